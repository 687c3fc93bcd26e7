# Odd shapes: build-ids, DWARF64, addresses above 4 GiB, more sections than 16 bits count,
# no section headers.
# shellcheck shell=sh disable=SC2086,SC2154

# Build-ids of every length.
compile "$GCC" port "queue.c tally.c" $port_flags -fPIC -gdwarf-5
for id in none md5 0x5a5b5c5d 0x0123456789abcdef 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f; do
    case $id in
    0x*) name=$(((${#id} - 2) / 2))-bytes ;;
    *) name=$id ;;
    esac
    "$GCC" -shared -nostdlib -Wl,-z,noseparate-code,--build-id=$id $objs -o "$out/id-$name.so"
done
"$LLD" -shared --build-id=fast $objs -o "$out/id-fast.so"

# DWARF64; a DWARF32 unit beside DWARF64 ones; its relocations are of 64 bits.
compile "$GCC" c "$c_units" $c_flags -O2 -g -gdwarf-4 -gdwarf64
shared "$GCC" c-gcc-O2-dwarf64.so
compile "$CLANG" c "$c_units" $c_flags -O2 -g -gdwarf-5 -gdwarf64
shared "$CLANG" c-clang-O2-dwarf64.so
compile "$GCC" port "queue.c" $port_flags -fPIC -gdwarf-5 -gdwarf64
cp queue.c.o "$tmp/queue64.o"
compile "$GCC" port "tally.c" $port_flags -fPIC -gdwarf-4
objs="$tmp/queue64.o $objs"
shared "$GCC" port-dwarf64-and-32.so
cp "$tmp/queue64.o" "$out/port-dwarf64.o"

# Far away, far apart, and in the upper half.
static="-nostdlib -nostartfiles -static -Wl,--build-id=sha1,-z,max-page-size=4096"
compile "$GCC" port "queue.c tally.c far.c" $port_flags -fPIC -mcmodel=large -fno-asynchronous-unwind-tables -gdwarf-5
"$GCC" -no-pie $static -Wl,-e,tally -Wl,-Ttext-segment=0x123456789000 $objs -o "$out/far-above"
"$GCC" -no-pie $static -Wl,-e,tally -Wl,--section-start=.far=0x300000000 $objs -o "$out/far-apart"
compile "$GCC" port "queue.c tally.c far.c" $port_flags -fno-pic -mcmodel=kernel -gdwarf-4
"$GCC" -no-pie $static -Wl,-e,tally -Wl,-Ttext-segment=0xffffffff81000000 $objs -o "$out/far-kernel"

# No section headers: only the program headers say what is code.
mkdir -p "$out/headless"
"$LLVM_STRIP" --strip-sections -o "$out/headless/lib.so" "$out/c-gcc-O2-dynsym.so"

# More than 65,535 sections, in an object and linked; zstd makes 2 kB of 4 MB. The
# functions come last, so that their symbols need .symtab_shndx.
mkdir -p "$out/many-sections"
cd "$tmp"
{
    seq -f '.section empty,"ax",@progbits,unique,%.0f' 65600
    sed 's/^    .text/    .section .late,"ax"/' "$src/c/stub.s"
} >many.s
"$CLANG" -c -g -gdwarf-5 -ffile-prefix-map="$tmp=/src" many.s -o many.o # GNU as takes minutes
"$LLD" -shared --unique --build-id=sha1 many.o -o many.so
for file in many.o many.so; do
    zstd -q -9 -f --no-progress "$file" -o "$out/many-sections/$file.zst"
done

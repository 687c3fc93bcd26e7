# __unwind_info of 32-bit x86 by hand, for no free linker writes it: a regular page and a compressed one.
    .section __TEXT,__text,regular,pure_instructions
base:
framed:
    .fill 16, 1, 0x90
frameless:
    .fill 16, 1, 0x90
indirect:
    .byte 0x53, 0x81, 0xec                  # push ebx; sub esp, 4096
    .long 4096
    .fill 9, 1, 0x90
in_eh_frame:
    .fill 16, 1, 0x90
six:
    .fill 16, 1, 0x90
nothing:
    .fill 16, 1, 0x90
five:
    .fill 16, 1, 0x90
unknown:
    .fill 16, 1, 0x90
end:
    .section __TEXT,__unwind_info,regular
info:
    .long 1
    .long common - info, 2
    .long 0, 0
    .long index - info, 3
common:
    .long 0x01020029                        # frame pointer; ebx and esi below it
    .long 0x02080c00                        # 32 bytes, three registers in their order
index:
    .long framed - base, page_a - info, 0
    .long six - base, page_b - info, 0
    .long end - base, 0, 0
page_a:
    .long 2
    .short 8, 4
    .long framed - base, 0x01020029
    .long frameless - base, 0x02050813      # 20 bytes, two registers
    .long indirect - base, 0x03032400       # the operand is at 3; 1 word more; one register
    .long in_eh_frame - base, 0x04000000
page_b:
    .long 3
    .short 12, 4, page_b_own - page_b, 3
    .long (2 << 24) | 16 * 0
    .long (3 << 24) | 16 * 1
    .long (4 << 24) | 16 * 2
    .long (0 << 24) | 16 * 3
page_b_own:
    .long 0x02101acf                        # 64 bytes, six registers in another order
    .long 0x00000000
    .long 0x0210162a                        # 64 bytes, five registers

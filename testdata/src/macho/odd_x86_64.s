## Symbols and sections as compilers do not write them. No DWARF unless the assembler adds it.
    .section __TEXT,__text,regular,pure_instructions
    .globl _odd_first
    .p2align 4
_odd_first:
    addl %esi, %edi
    ret
_odd_local:
    movl $2, %eax
    ret
## Two names at one address, the second private to the linker; then one in the middle.
    .globl _odd_alias_b
    .globl _odd_alias_a
_odd_alias_b:
_odd_alias_a:
l_odd_private:
    movl $3, %eax
ltmp_odd:
    nop
    .alt_entry _odd_inner
_odd_inner:
    movl $4, %ecx
    ret
## A local and a global one at the same address.
    .globl _odd_twin_global
_odd_twin_local:
_odd_twin_global:
    movl $5, %eax
    ret
## Nothing follows it in this section.
    .globl _odd_last
_odd_last:

    .section __TEXT,__some,regular
    .globl _odd_some
    .p2align 4
_odd_some:
    movl $6, %eax
    ret
l_odd_some_private:
    movl $7, %eax
    ret

    .section __CODE,__more,regular,pure_instructions
    .globl _odd_segment
    .p2align 4
_odd_segment:
    movl $8, %eax
    ret
_odd_segment_local:
    movl $9, %eax
    ret
_odd_segment_end:

    .section __TEXT,__cold,regular,pure_instructions
    .p2align 4
_odd_first.cold.1:
    ud2

    .section __TEXT,__const
    .globl _odd_constant
_odd_constant:
    .long 10

    .globl _odd_absolute
_odd_absolute = 0x1008

    .subsections_via_symbols

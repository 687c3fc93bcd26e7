; Symbols and sections as compilers do not write them. No DWARF unless the assembler adds it.
    .section __TEXT,__text,regular,pure_instructions
    .globl _odd_first
    .p2align 2
_odd_first:
    add w0, w0, w1
    ret
_odd_local:
    mov w0, #2
    ret
; Two names at one address, the second private to the linker; then one in the middle.
    .globl _odd_alias_b
    .globl _odd_alias_a
_odd_alias_b:
_odd_alias_a:
l_odd_private:
    mov w0, #3
ltmp_odd:
    nop
    .alt_entry _odd_inner
_odd_inner:
    mov w1, #4
    ret
; A local and a global one at the same address.
    .globl _odd_twin_global
_odd_twin_local:
_odd_twin_global:
    mov w0, #5
    ret
; Nothing follows it in this section.
    .globl _odd_last
_odd_last:

    .section __TEXT,__some,regular
    .globl _odd_some
    .p2align 2
_odd_some:
    mov w0, #6
    ret
l_odd_some_private:
    mov w0, #7
    ret

    .section __CODE,__more,regular,pure_instructions
    .globl _odd_segment
    .p2align 2
_odd_segment:
    mov w0, #8
    ret
_odd_segment_local:
    mov w0, #9
    ret
_odd_segment_end:

    .section __TEXT,__cold,regular,pure_instructions
    .p2align 2
_odd_first.cold.1:
    brk #1

    .section __TEXT,__const
    .globl _odd_constant
_odd_constant:
    .long 10

    .globl _odd_absolute
_odd_absolute = 0x1008

    .subsections_via_symbols

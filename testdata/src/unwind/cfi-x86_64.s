# Call frame information that compilers seldom write, for x86-64. The code does nothing; only its addresses matter.
    .macro step count=1
    .fill \count, 1, 0x90
    .endm
# DW_CFA instructions by their numbers: those that the assembler has no directive for.
    .macro raw bytes:vararg
    .cfi_escape \bytes
    .endm
    .text

remembered_twice:
    .cfi_startproc
    push %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_offset rbp, -16
    mov %rsp, %rbp
    .cfi_def_cfa_register rbp
    .cfi_remember_state
    step 80                         # DW_CFA_advance_loc1
    .cfi_remember_state
    .cfi_def_cfa rsp, 8
    .cfi_restore rbp
    step
    .cfi_restore_state
    step 400                        # DW_CFA_advance_loc2
    .cfi_offset rbx, -24
    step
    .cfi_restore_state
    step
    .cfi_endproc

# As the kernel's sigreturn trampoline: everything is in a structure on the stack.
signal_frame:
    .cfi_startproc
    .cfi_signal_frame
    raw 0x0f, 4, 0x77, 0xa0, 0x01, 0x06         # CFA: deref(rsp + 160)
    raw 0x10, 16, 3, 0x77, 0xa8, 0x01           # rip at rsp + 168
    raw 0x10, 6, 3, 0x77, 0xf8, 0x00            # rbp at rsp + 120
    raw 0x16, 3, 4, 0x70, 0, 0x23, 8              # rbx is rax + 8
    step 9
    .cfi_endproc

outermost:
    .cfi_startproc
    step
    .cfi_undefined rip
    step 4
    .cfi_undefined rbp
    step
    .cfi_restore rip
    step
    .cfi_endproc

each_recovery:
    .cfi_startproc
    step
    .cfi_register rbx, r11
    .cfi_same_value r12
    .cfi_undefined rcx
    raw 0x14, 7, 0                              # DW_CFA_val_offset: rsp is the CFA
    step
    raw 0x05, 67, 4                             # DW_CFA_offset_extended of a number above 63
    raw 0x11, 13, 0x7d                          # DW_CFA_offset_extended_sf: r13 at CFA + 24
    raw 0x15, 14, 0x7e                          # DW_CFA_val_offset_sf: r14 is CFA + 16
    step
    raw 0x12, 7, 0x7c                           # DW_CFA_def_cfa_sf: rsp + 32
    raw 0x06, 67                                # DW_CFA_restore_extended
    step
    raw 0x13, 0x7a                              # DW_CFA_def_cfa_offset_sf: 48
    raw 0x08, 13                                # DW_CFA_same_value
    step
    .cfi_endproc

pushed_arguments:
    .cfi_startproc
    step
    .cfi_adjust_cfa_offset 16
    raw 0x2e, 16                                # DW_CFA_GNU_args_size
    step 5
    raw 0x2e, 0
    step
    .cfi_adjust_cfa_offset -16
    step
    .cfi_endproc

# A CIE of its own, with LSDA and personality.
with_personality:
    .cfi_startproc
    .cfi_personality 0x9b, personality
    .cfi_lsda 0x1b, table
    step 2
    .cfi_def_cfa_offset 32
    step 2
    .cfi_endproc

another_return_column:
    .cfi_startproc
    .cfi_return_column rbx
    .cfi_offset rbx, -16
    step
    .cfi_endproc

# Rows that do not move: the last one counts.
same_place:
    .cfi_startproc
    .cfi_def_cfa_offset 24
    raw 0x40
    .cfi_def_cfa_offset 40
    raw 0x02, 0
    .cfi_def_cfa_offset 56
    step
    .cfi_endproc

    .section .gcc_except_table, "a", @progbits
table:
    .byte 0xff, 0xff, 1, 0
    .data
personality:
    .quad 0

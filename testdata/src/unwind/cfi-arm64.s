// Signed return addresses and signal frames of ARM64.
    .text
signed_with_key_a:
    .cfi_startproc
    paciasp
    .cfi_negate_ra_state
    stp x29, x30, [sp, #-32]!
    .cfi_def_cfa_offset 32
    .cfi_offset w30, -24
    .cfi_offset w29, -32
    str d8, [sp, #16]
    .cfi_offset b8, -16
    mov x29, sp
    .cfi_remember_state
    ldp x29, x30, [sp], #32
    .cfi_restore w29
    .cfi_restore w30
    .cfi_restore b8
    .cfi_def_cfa_offset 0
    autiasp
    .cfi_negate_ra_state
    ret
    .cfi_restore_state
    nop
    .cfi_endproc

signed_with_key_b:
    .cfi_startproc
    .cfi_b_key_frame
    pacibsp
    .cfi_negate_ra_state
    nop
    autibsp
    .cfi_negate_ra_state
    ret
    .cfi_endproc

interrupted:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_def_cfa x29, 0
    .cfi_offset x29, 0
    .cfi_offset x30, 8
    nop
    .cfi_endproc

start:
    .cfi_startproc
    .cfi_undefined x30
    nop
    .cfi_endproc

moved:
    .cfi_startproc
    mov x9, x30
    .cfi_register x30, x9
    nop
    .cfi_same_value x30
    nop
    .cfi_endproc

@ Each unwinding instruction of 32-bit ARM, and each model of its tables.
    .syntax unified
    .fpu neon
    .text
    .macro unwound name, bytes:vararg
\name:
    .fnstart
    nop
    .unwind_raw 0, \bytes
    .fnend
    .endm
    unwound add_small, 0x00, 0x3f
    unwound subtract, 0x3f, 0x41
    unwound pop_mask, 0x88, 0x0f
    unwound pop_pc, 0x88, 0x00
    unwound refuse, 0x80, 0x00
    unwound from_r7, 0x97, 0x42, 0x84, 0x08
    unwound from_popped, 0x80, 0x08, 0x97, 0xa8
    unwound pop_sp, 0xb1, 0x01, 0x82, 0x01
    unwound pop_sp_then_more, 0x01, 0x82, 0x00, 0x02, 0xa8, 0x01
    unwound pop_r4_to_r11, 0xa7
    unwound pop_r4_to_r6_and_lr, 0xaa
    unwound pop_r0_to_r3, 0xb1, 0x0f
    unwound add_large, 0xb2, 0x81, 0x04
    unwound vfp_x, 0xb3, 0x83
    unwound return_code, 0xb4
    unwound modifier, 0xb5
    unwound vfp_x_from_d8, 0xba
    unwound wmmx_from_10, 0xc2
    unwound wmmx, 0xc6, 0x23
    unwound wmmx_control, 0xc7, 0x05
    unwound vfp_high, 0xc8, 0x12
    unwound vfp, 0xc9, 0x82
    unwound vfp_from_d8, 0xd3
    unwound finished, 0xa8, 0xb0, 0x01
    unwound popped_twice, 0xa8, 0xa9, 0x01
    @ Longer than what fits into the index: model 1.
    unwound long, 0x88, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08
    @ Those without a meaning.
    unwound spare_a, 0xb6
    unwound spare_b, 0xcb
    unwound spare_c, 0xe0
    unwound reserved_a, 0x9d
    unwound reserved_b, 0x9f
    unwound reserved_c, 0xb1, 0x10
    unwound reserved_d, 0xb1, 0x00
    unwound reserved_e, 0xc7, 0x10
    unwound reserved_f, 0xc7, 0x00

with_handlers:
    .fnstart
    nop
    .save {r4, r5, lr}
    .pad #12
    .personalityindex 2
    .handlerdata
    .word 0
    .fnend

with_personality:
    .fnstart
    nop
    .save {r4, r7, r9, lr}
    .vsave {d8-d12}
    .setfp r7, sp, #8
    .personality __gxx_personality_v0
    .handlerdata
    .word 0
    .fnend

not_unwound:
    .fnstart
    nop
    .cantunwind
    .fnend

    .thumb
    .thumb_func
thumb_code:
    .fnstart
    push {r4, lr}
    .save {r4, lr}
    pop {r4, pc}
    .fnend

    .globl __gxx_personality_v0
    .type __gxx_personality_v0, %function
__gxx_personality_v0:
    .fnstart
    nop
    .cantunwind
    .fnend

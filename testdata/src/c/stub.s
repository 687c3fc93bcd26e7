# Symbols as compilers do not write them: without a size, without a type,
# one inside another, two at one address.
    .text
    .globl stub_sized
    .type stub_sized, @function
stub_sized:
    movq %rdi, %rax
    addq %rsi, %rax
    ret
    .size stub_sized, .-stub_sized

    .globl stub_no_size
    .type stub_no_size, @function
stub_no_size:
    xorl %eax, %eax
    incl %eax
    ret

    .globl stub_no_type
stub_no_type:
    movl $2, %eax
    ret

stub_sized_no_type:
    movl $3, %eax
    ret
    .size stub_sized_no_type, .-stub_sized_no_type

    .balign 16
    .globl stub_outer
    .type stub_outer, @function
stub_outer:
    pushq %rbx
    movq %rdi, %rbx
    .type stub_inner, @function
stub_inner:
    leaq (%rbx,%rbx), %rax
    nop
    .size stub_inner, .-stub_inner
    popq %rbx
    ret
    .size stub_outer, .-stub_outer

    .globl stub_alias_a
    .globl stub_alias_b
    .type stub_alias_a, @function
    .type stub_alias_b, @function
stub_alias_b:
stub_alias_a:
    movl $4, %eax
    nop
    ret
    .size stub_alias_a, .-stub_alias_a
    .size stub_alias_b, 5

# Two local symbols of one size; their order in .symtab is the order here.
    .type stub_twin_a, @function
stub_twin_a:
    .type stub_twin_b, @function
stub_twin_b:
    movl $5, %eax
    ret
    .size stub_twin_a, .-stub_twin_a
    .size stub_twin_b, .-stub_twin_b

    .type stub_pair_b, @function
stub_pair_b:
    .type stub_pair_a, @function
stub_pair_a:
    movl $6, %eax
    ret
    .size stub_pair_a, .-stub_pair_a
    .size stub_pair_b, .-stub_pair_b

    .section .note.GNU-stack,"",@progbits

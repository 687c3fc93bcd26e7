// func triple(n int) int
TEXT ·triple(SB), $0-16
	MOVQ n+0(FP), AX
	LEAQ (AX)(AX*2), AX
	MOVQ AX, ret+8(FP)
	RET

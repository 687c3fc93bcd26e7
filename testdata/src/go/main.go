// A small program: inlined calls, a closure, methods, an interface, a goroutine,
// and assembly beside it. No packages but the runtime.
package main

type point struct{ x, y int }

type shape interface{ area() int }

type square struct {
	at   point
	side int
}

func (s *square) area() int { return scale(s.side, s.side) }

func scale(a, b int) int { return a*b + bias(a) }

func bias(a int) int { return a & 1 }

//go:noinline
func total(shapes []shape) (sum int) {
	add := func(n int) { sum += bias(n) + n }
	for _, s := range shapes {
		add(s.area())
	}
	return sum
}

//go:noinline
func pick[T any](items []T, at int) T { return items[at%len(items)] }

func main() {
	done := make(chan int)
	go func() {
		done <- total([]shape{&square{point{1, 2}, 3}, &square{side: 4}})
	}()
	println(<-done, pick([]int{1, 2, 3}, scale(2, 5)), pick([]string{"a", "b"}, 1), triple(4))
}

func triple(n int) int

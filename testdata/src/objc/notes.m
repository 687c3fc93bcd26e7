// Methods of classes and instances, a category, a property, a block in a method, a C function
// inlined into methods. No framework: the runtime's functions stay undefined.
typedef unsigned int u32;

__attribute__((objc_root_class))
@interface Root
{
    Class isa;
}
+ (instancetype)alloc;
@end

@interface Note : Root
@property(nonatomic) u32 weight;
@property(nonatomic, getter=isPinned) char pinned;
+ (Note *)noteOf:(u32)weight;
- (u32)scaledBy:(u32)factor plus:(u32)more;
- (u32)each:(u32 (^)(u32))visit;
@end

@interface Note (Sums)
- (u32)sumTo:(u32)last;
@end

u32 note_count;

static inline u32 spread(u32 x)
{
    return x ^ (x << 7);
}

static inline u32 blend(u32 a, u32 b)
{
    return spread(a) + (spread(b) >> 3);
}

@implementation Note

+ (Note *)noteOf:(u32)weight
{
    Note *note = [self alloc];
    note.weight = blend(weight, note_count++);
    return note;
}

- (u32)scaledBy:(u32)factor plus:(u32)more
{
    if (self.pinned)
        return more;
    return blend(_weight * factor, more);
}

- (u32)each:(u32 (^)(u32))visit
{
    u32 sum = 0;
    for (u32 at = 0; at < _weight; at++)
        sum += visit(spread(at));
    return sum;
}

@end

@implementation Note (Sums)

- (u32)sumTo:(u32)last
{
    __block u32 skipped = 0;
    u32 sum = [self each:^(u32 at) {
        if (at > last) {
            skipped++;
            return 0u;
        }
        return blend(at, last) + [self scaledBy:at plus:1];
    }];
    return sum - skipped;
}

@end

// The linker makes the stubs that set the selector; this clang does not write calls of them itself.
u32 call_scaled(Note *note, SEL unset, u32 factor, u32 more) __asm__("_objc_msgSend$scaledBy:plus:");
u32 call_sum(Note *note, SEL unset, u32 last) __asm__("_objc_msgSend$sumTo:");

u32 notes_total(u32 last)
{
    Note *note = [Note noteOf:last];
    return call_scaled(note, 0, last, 2) + call_sum(note, 0, last + 1);
}

package store;

import java.util.HashMap;
import java.util.Map;

/** Fails in several ways: one a call. The frames are inlined, overloaded and merged by ProGuard. */
public final class Shop {
    private final Map<String, Integer> stock = new HashMap<>();

    static final class Missing extends RuntimeException {
        Missing(String what, Throwable cause) {
            super(what, cause);
        }
    }

    interface Counter {
        int count(String name);
    }

    private static int half(int number) {
        if (number % 2 == 1) {
            throw new IllegalStateException("odd: " + number);
        }
        return number / 2;
    }

    private int take(String name) {
        int left = stock.get(name);
        return half(left);
    }

    private int take(String name, long times) {
        int all = 0;
        for (long i = 0; i < times; i++) {
            all += take(name);
        }
        return all;
    }

    private int take(Counter counter, String name) {
        try {
            return counter.count(name);
        } catch (RuntimeException cause) {
            throw new Missing("Missing: " + name, cause);
        }
    }

    public static void main(String[] names) {
        Shop shop = new Shop();
        shop.stock.put("odd", 3);
        shop.stock.put("even", 4);
        for (String name : new String[] {"odd", "even", "none"}) {
            for (int way = 0; way < 3; way++) {
                try {
                    switch (way) {
                        case 0: shop.take(name); break;
                        case 1: shop.take(name, 2); break;
                        default: shop.take(new Counter() {
                            public int count(String name) {
                                return shop.take(name, 1L);
                            }
                        }, name);
                    }
                } catch (RuntimeException failure) {
                    failure.printStackTrace();
                }
            }
        }
    }
}

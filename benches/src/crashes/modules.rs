//! The modules of the app, and what each is made of.

use super::source::Shape;

/// One module, before it is compiled.
#[derive(Debug)]
pub struct Recipe {
    /// Its name without `lib` and suffix.
    pub name: &'static str,
    /// Whether it is the executable, where the platform has one.
    pub is_executable: bool,
    /// Files of `crash-src/`.
    pub sources: &'static [&'static str],
    /// What is generated besides.
    pub shape: Option<Shape>,
}

/// All modules. Bugs are in those with a shape.
pub const RECIPES: [Recipe; 6] = [
    Recipe {
        name: "shop",
        is_executable: true,
        sources: &["app.cc"],
        shape: Some(Shape {
            space: "shop",
            parts: &["cart", "account", "search"],
            nouns: &["Basket", "Coupon", "Ledger", "Filter"],
            imports: &["core::store_value", "core::load_value", "ui::redraw", "net::fetch"],
            exports: &[],
        }),
    },
    Recipe {
        name: "core",
        is_executable: false,
        sources: &["core.cc"],
        shape: Some(Shape {
            space: "core",
            parts: &["text", "data", "time"],
            nouns: &["Table", "Index", "Journal", "Record"],
            imports: &["codec::inflate_block"],
            exports: &["store_value", "load_value", "hash_value"],
        }),
    },
    Recipe {
        name: "ui",
        is_executable: false,
        sources: &[],
        shape: Some(Shape {
            space: "ui",
            parts: &["widget", "paint"],
            nouns: &["Button", "Canvas", "Layout", "Gesture"],
            imports: &["core::store_value", "core::hash_value"],
            exports: &["redraw", "animate"],
        }),
    },
    Recipe {
        name: "net",
        is_executable: false,
        sources: &[],
        shape: Some(Shape {
            space: "net",
            parts: &["http", "socket"],
            nouns: &["Request", "Stream", "Channel"],
            imports: &["core::load_value", "codec::inflate_block", "codec::deflate_block"],
            exports: &["fetch", "send"],
        }),
    },
    Recipe {
        name: "codec",
        is_executable: false,
        sources: &[],
        shape: Some(Shape {
            space: "codec",
            parts: &["huffman", "window"],
            nouns: &["Block", "Tree"],
            imports: &[],
            exports: &["inflate_block", "deflate_block"],
        }),
    },
    Recipe { name: "guard", is_executable: false, sources: &["guard.cc"], shape: None },
];

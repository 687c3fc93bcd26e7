//! Which functions belong to one class or one source file, and which part bugs.

use crate::{apart, together};

#[test]
fn ways_within_one_class_do_not_part_a_bug() {
    together(
        "two methods of the class call the one that crashed",
        &[
            "doc::Table::follow_chain(int) /s/table.cc:10",
            "doc::Table::read_index() /s/table.cc:40",
            "doc::load(char const*) /s/doc.cc:5",
            "main /s/main.cc:3",
        ],
        &[
            "doc::Table::follow_chain(int) /s/table.cc:12",
            "doc::Table::read_names() /s/table.cc:90",
            "doc::load(char const*) /s/doc.cc:5",
            "main /s/main.cc:3",
        ],
    );
    together(
        "the class's header belongs to it",
        &[
            "doc::Table::follow_chain(int) /s/table.cc:10",
            "doc::Table::each_row() /s/table.h:4",
            "doc::load(char const*) /s/doc.cc:5",
        ],
        &["doc::Table::follow_chain(int) /s/table.cc:10", "doc::load(char const*) /s/doc.cc:5"],
    );
    together(
        "what one compiler inlines from a header of another name, another one does not",
        &[
            "doc::Table::follow_chain(int) /s/checks.h:10",
            "doc::Table::read_index() /s/table.cc:40",
            "doc::load(char const*) /s/doc.cc:5",
        ],
        &[
            "doc::Table::follow_chain(int) /s/table.cc:10",
            "doc::Table::read_index() /s/table.cc:40",
            "doc::load(char const*) /s/doc.cc:5",
        ],
    );
}

#[test]
fn functions_of_one_source_file_are_one_piece_of_work() {
    together(
        "functions of C",
        &[
            "inflate_block /s/inflate.c:10",
            "inflate_stored /s/inflate.c:40",
            "png_read_row /s/png.c:5",
            "main /s/main.c:3",
        ],
        &[
            "inflate_block /s/inflate.c:10",
            "inflate_dynamic /s/inflate.c:80",
            "png_read_row /s/png.c:5",
            "main /s/main.c:3",
        ],
    );
    together(
        "a lambda is at home where it was written",
        &[
            "doc::Table::read_all()::{lambda(int)#1}::operator()(int) const /s/table.cc:10",
            "doc::Table::read_names() /s/table.cc:9",
            "doc::load() /s/doc.cc:5",
        ],
        &[
            "doc::Table::read_all()::{lambda(int)#2}::operator()(int) const /s/table.cc:10",
            "doc::load() /s/doc.cc:5",
        ],
    );
}

#[test]
fn helpers_and_accessors_tell_nothing_alone() {
    apart(
        "a helper of another class is called by two bugs",
        &[
            "util::check_bounds(int) /s/util.cc:4",
            "doc::Table::read_index() /s/table.cc:40",
            "main /s/main.cc:3",
        ],
        &[
            "util::check_bounds(int) /s/util.cc:4",
            "net::Stream::read_header() /s/stream.cc:7",
            "main /s/main.cc:3",
        ],
    );
    apart(
        "an accessor of the class tells nothing alone",
        &[
            "doc::Table::get_row(int) /s/table.cc:4",
            "doc::Table::read_index() /s/table.cc:40",
            "main /s/main.cc:3",
        ],
        &[
            "doc::Table::get_row(int) /s/table.cc:4",
            "doc::Table::sort_names() /s/table.cc:70",
            "main /s/main.cc:3",
        ],
    );
    apart(
        "nor does a name of one word",
        &[
            "doc::Table::at(int) /s/table.cc:4",
            "doc::Table::read_index() /s/table.cc:40",
            "main /s/main.cc:3",
        ],
        &[
            "doc::Table::at(int) /s/table.cc:4",
            "doc::Table::sort_names() /s/table.cc:70",
            "main /s/main.cc:3",
        ],
    );
    apart(
        "nor a function of a template, which is of many types",
        &[
            "doc::Ring<int>::push_back(int) /s/ring.h:4",
            "doc::Ring<int>::push_all() /s/ring.h:40",
            "main /s/main.cc:3",
        ],
        &[
            "doc::Ring<int>::push_back(int) /s/ring.h:4",
            "doc::Ring<int>::grow_by(int) /s/ring.h:70",
            "main /s/main.cc:3",
        ],
    );
}

#[test]
fn what_is_of_no_class_or_of_another_parts_bugs() {
    apart(
        "a namespace is no class: its functions are in many files",
        &[
            "lib::fold_value(int) /s/fold.cc:4",
            "lib::run_passes() /s/passes.cc:40",
            "main /s/main.cc:3",
        ],
        &[
            "lib::fold_value(int) /s/fold.cc:4",
            "lib::emit_code() /s/emit.cc:70",
            "main /s/main.cc:3",
        ],
    );
    apart(
        "without source files nothing says that two functions are of one class",
        &[
            "doc::fold_value(int) (/app/tool+0x10)",
            "doc::run_passes() (/app/tool+0x20)",
            "main (/app/tool+0x30)",
        ],
        &[
            "doc::fold_value(int) (/app/tool+0x10)",
            "doc::emit_code() (/app/tool+0x28)",
            "main (/app/tool+0x30)",
        ],
    );
    apart(
        "the class is entered by another one",
        &[
            "doc::Table::follow_chain(int) /s/table.cc:10",
            "doc::Table::read_index() /s/table.cc:40",
            "doc::load_file() /s/doc.cc:5",
            "main /s/main.cc:3",
        ],
        &[
            "doc::Table::follow_chain(int) /s/table.cc:10",
            "doc::Buffer::fill_next() /s/table.cc:90",
            "doc::read_key() /s/key.cc:5",
            "main /s/main.cc:3",
        ],
    );
}

//! Compares what symtool reads of minidumps with another reader; see the tests.

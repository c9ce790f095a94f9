//! Contacts by the million: files that come in, and files that go out.
//!
//! `encoding` and `records` read a file whatever wrote it; `fields` and `rows` say what its columns and values mean; `cells` writes
//! values that are read again. Everything below them is pure.

pub mod cells;
pub mod encoding;
pub mod fields;
pub mod phones;
pub mod records;
pub mod rows;

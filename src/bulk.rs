//! Contacts by the million: files that come in, and files that go out.
//!
//! - `encoding` and `records` read a file, whatever wrote it; `fields`, `rows` and `phones` say what its columns and values mean;
//!   `look` is a first look at it. `cells` and `export` write what is read again. These are pure.
//! - `import` is an import as it is kept, `folder` its file. `imports` takes files and starts imports; `run` carries them out, batch by
//!   `batch`, with `known`, what the business has of its own.

mod batch;
mod cells;
mod encoding;
pub mod export;
pub mod fields;
mod folder;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod import;
pub mod imports;
pub mod known;
mod look;
pub mod phones;
pub mod records;
pub mod rows;
mod run;

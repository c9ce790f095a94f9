//! Contacts by the million: files that come in, and files that go out.
//!
//! - `encoding` and `records` read a file, whatever wrote it, `open_quote` what no quotation mark ends; `fields`, `rows`, `values` and `phones` say what its columns and values
//!   mean, `new_attributes` which attributes are made for them; `look` is a first look at it. `cells` and `export` write what is read again. These are pure.
//! - `import` is an import as it is kept, `folder` its file. `uploads` takes files, `imports` starts imports;
//!   `run` carries them out, each by a `job`, batch by `batch`, with `known`, what the business has of its own, and tell what was `wrong`.

pub mod batch;
pub mod cells;
mod encoding;
pub(crate) mod erased;
pub mod export;
pub mod fields;
pub mod folder;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod import;
pub mod imports;
mod job;
pub mod known;
pub mod look;
mod new_attributes;
mod open_quote;
pub mod phones;
pub(crate) mod reader;
pub mod records;
pub mod rows;
mod run;
pub mod uploads;
pub mod values;
pub(crate) mod waits;
mod wrong;

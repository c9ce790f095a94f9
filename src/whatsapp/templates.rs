//! Message templates: what one asks of a message, whether a message gives it, and whether Meta may take a new one.
//!
//! [`Definition`] is a template as Meta lists it, read leniently: what this version does not know limits nothing. [`fill()`]
//! checks a message against it and shows it as the customer will see it; [`problems`] checks a template before Meta is asked
//! to review it. All of it is pure.
//! Source: Cloud API, Template components (Nov 21 2025), Template fundamentals (Dec 5 2025).

mod definition;
mod fill;
mod library;
mod pattern;
mod preview;
mod rules;
mod samples;
#[cfg(test)]
pub(in crate::whatsapp) mod tests;

pub use definition::{Definition, ParameterFormat};
pub use fill::fill;
pub use library::LibraryDraft;
pub use preview::{ButtonPreview, CardPreview, HeaderPreview, Preview};
pub use rules::{Draft, problems};
pub use samples::{HeaderSample, header_samples, with_handles};

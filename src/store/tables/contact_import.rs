//! Imports of contacts: the file that was taken, what its columns mean, and how far it is read.

use super::{Kept, PLAIN, Subject, Table};

/// Where imports are declared. What a row says is `bulk/import.rs`: it is about a file.
pub const CONTACT_IMPORT: Table = Table {
    name: "contact_import",
    says: "an import of contacts: its file's name and columns, what they are taken for, how far it is, and what came of it",
    key: "tenant · import",
    kept: Kept::AsLongAsItSays,
    subject: Subject::Tenant,
    personal: &["name", "columns", "sample", "by"],
    ..PLAIN
};

/// Where it is remembered what columns were taken for.
pub const IMPORT_MAPPING: Table = Table {
    name: "import_mapping",
    says: "what columns of the files that a business imported were taken for, by their headers",
    key: "tenant",
    subject: Subject::Tenant,
    ..PLAIN
};

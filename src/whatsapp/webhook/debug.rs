//! How elements show themselves in logs: by ids and kinds, never by anything personal.

use std::fmt;

use super::{IncomingMessage, IncomingStatus, Malformed, OtherEvent};

impl fmt::Debug for IncomingMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingMessage")
            .field("number", &self.number)
            .field("wamid", &self.wamid)
            .field("at", &self.at)
            .field("aliases", &self.aliases)
            .field("content", &self.content)
            .field("identity_change", &self.identity_change)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IncomingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingStatus")
            .field("number", &self.number)
            .field("wamid", &self.wamid)
            .field("state", &self.state)
            .field("at", &self.at)
            .field("token", &self.token)
            .field("aliases", &self.aliases)
            .field("code", &self.error.as_ref().map(|error| error.code))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OtherEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtherEvent")
            .field("field", &self.field)
            .field("part", &self.part)
            .field("number", &self.number)
            .field("waba", &self.waba)
            .field("value_bytes", &self.value.get().len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Malformed({}, {} bytes)",
            self.reason.as_str(),
            self.body.len()
        )
    }
}

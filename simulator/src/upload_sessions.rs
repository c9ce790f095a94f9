//! Uploads in pieces for samples of templates: sessions, offsets and the handles in which they end.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::{Bytes, BytesMut};

use super::dice::Dice;
use super::graph::error::GraphError;

/// How long a session may take.
const LIFE_US: u64 = 24 * 3_600 * 1_000_000;
/// Sessions that are open at once.
const MOST: usize = 1_000;
/// The largest sample.
const LARGEST: usize = 100 * 1024 * 1024;
/// What a sample may be, and how it begins.
const TYPES: [(&str, usize, &[u8]); 5] = [
    ("image/jpeg", 0, b"\xff\xd8\xff"),
    ("image/jpg", 0, b"\xff\xd8\xff"),
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("video/mp4", 4, b"ftyp"),
    ("application/pdf", 0, b"%PDF-"),
];

#[derive(Debug)]
struct Session {
    mime: String,
    length: usize,
    bytes: BytesMut,
    signature: String,
    until_us: u64,
}

/// What a call on a session led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// More is to come.
    Part(usize),
    /// It is whole: its handle.
    Whole(String),
}

/// All sessions, and the handles that came of them.
#[derive(Debug)]
pub(crate) struct UploadSessions {
    open: HashMap<String, Session>,
    /// Type and size by handle.
    handles: HashMap<String, (String, usize)>,
    dice: Dice,
}

fn wrong(details: impl Into<String>) -> GraphError {
    GraphError::new(100, details.into())
}

impl UploadSessions {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            open: HashMap::new(),
            handles: HashMap::new(),
            dice: Dice::new(seed, 6),
        }
    }

    /// Begins a session; its id, of which a signature in the query is a part.
    pub(crate) fn begin(
        &mut self,
        mime: &str,
        length: Option<usize>,
        now_us: u64,
    ) -> Result<String, GraphError> {
        if !TYPES.iter().any(|(known, ..)| *known == mime) {
            return Err(wrong(format!("Param file_type: {mime:?} is no supported type.")));
        }
        let length = length.filter(|length| (1..=LARGEST).contains(length));
        let length =
            length.ok_or_else(|| wrong("Param file_length must be the size of the file in bytes."))?;
        if self.open.len() >= MOST {
            self.open.retain(|_, session| now_us < session.until_us);
        }
        let name = format!("attachment:{:016x}", self.dice.any());
        let name = URL_SAFE.encode(name);
        let signature = format!("AR{:016x}", self.dice.any());
        let id = format!("upload:{name}?sig={signature}");
        let session = Session {
            mime: mime.to_owned(),
            length,
            bytes: BytesMut::new(),
            signature,
            until_us: now_us.saturating_add(LIFE_US),
        };
        self.open.insert(name, session);
        Ok(id)
    }

    fn find(&mut self, name: &str, signature: Option<&str>, now_us: u64) -> Result<&mut Session, GraphError> {
        let found = self.open.get_mut(name);
        let found =
            found.filter(|session| signature == Some(&session.signature) && now_us < session.until_us);
        found.ok_or_else(|| GraphError::unknown_object(name))
    }

    /// How much of a file is there.
    pub(crate) fn offset(
        &mut self,
        name: &str,
        signature: Option<&str>,
        now_us: u64,
    ) -> Result<usize, GraphError> {
        self.find(name, signature, now_us)
            .map(|session| session.bytes.len())
    }

    /// Adds bytes from an offset, which must be the one where the file is.
    pub(crate) fn add(
        &mut self,
        (name, signature): (&str, Option<&str>),
        offset: Option<usize>,
        bytes: &Bytes,
        now_us: u64,
    ) -> Result<Taken, GraphError> {
        let session = self.find(name, signature, now_us)?;
        let have = session.bytes.len();
        if offset != Some(have) {
            return Err(wrong(format!("The header file_offset must be {have}.")));
        }
        if have + bytes.len() > session.length {
            return Err(wrong("More bytes came than file_length says."));
        }
        session.bytes.extend_from_slice(bytes);
        if session.bytes.len() < session.length {
            return Ok(Taken::Part(session.bytes.len()));
        }
        let is_its_type = TYPES.iter().any(|(known, at, magic)| {
            *known == session.mime
                && session
                    .bytes
                    .get(*at..)
                    .is_some_and(|rest| rest.starts_with(magic))
        });
        let (mime, length) = (session.mime.clone(), session.length);
        self.open.remove(name);
        if !is_its_type {
            return Err(wrong(format!("The file is not of type {mime}.")));
        }
        let handle = format!("4::{}:{:016x}", URL_SAFE.encode(&mime), self.dice.any());
        self.handles.insert(handle.clone(), (mime, length));
        Ok(Taken::Whole(handle))
    }

    /// The type of what a handle stands for.
    pub(crate) fn mime_of(&self, handle: &str) -> Option<&str> {
        self.handles.get(handle).map(|(mime, _)| mime.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and more";

    fn parts(id: &str) -> (String, String) {
        let (name, signature) = id.strip_prefix("upload:").unwrap().split_once("?sig=").unwrap();
        (name.to_owned(), signature.to_owned())
    }

    #[test]
    fn a_file_comes_in_pieces_each_at_its_offset_and_ends_in_a_handle() {
        let mut sessions = UploadSessions::new(1);
        let id = sessions.begin("image/png", Some(PNG.len()), 0).unwrap();
        let (name, signature) = parts(&id);
        let at = (name.as_str(), Some(signature.as_str()));
        let (first, rest) = PNG.split_at(5);
        let add = |sessions: &mut UploadSessions, offset, bytes: &[u8]| {
            sessions.add(at, offset, &Bytes::copy_from_slice(bytes), 1)
        };
        assert!(add(&mut sessions, None, first).is_err());
        assert!(add(&mut sessions, Some(1), first).is_err());
        assert_eq!(add(&mut sessions, Some(0), first).unwrap(), Taken::Part(5));
        assert_eq!(sessions.offset(&name, Some(&signature), 1).unwrap(), 5);
        assert!(add(&mut sessions, Some(0), first).is_err(), "it is there already");
        assert!(add(&mut sessions, Some(5), PNG).is_err(), "too much");
        let Taken::Whole(handle) = add(&mut sessions, Some(5), rest).unwrap() else {
            panic!("it is not whole")
        };
        assert_eq!(sessions.mime_of(&handle), Some("image/png"));
        assert!(
            sessions.offset(&name, Some(&signature), 1).is_err(),
            "the session is over"
        );
    }

    #[test]
    fn what_is_not_as_it_was_said_and_who_is_not_known_is_refused() {
        let mut sessions = UploadSessions::new(1);
        for (mime, length) in [
            ("image/gif", Some(1)),
            ("image/png", None),
            ("image/png", Some(0)),
            ("image/png", Some(LARGEST + 1)),
        ] {
            assert!(sessions.begin(mime, length, 0).is_err(), "{mime} {length:?}");
        }
        let id = sessions.begin("video/mp4", Some(PNG.len()), 0).unwrap();
        let (name, signature) = parts(&id);
        assert!(sessions.offset(&name, None, 1).is_err());
        assert!(sessions.offset(&name, Some("AR0"), 1).is_err());
        assert!(sessions.offset("other", Some(&signature), 1).is_err());
        assert!(
            sessions.offset(&name, Some(&signature), LIFE_US).is_err(),
            "its time is over"
        );
        let at = (name.as_str(), Some(signature.as_str()));
        assert!(
            sessions.add(at, Some(0), &Bytes::from_static(PNG), 1).is_err(),
            "no film"
        );
        assert!(sessions.offset(&name, Some(&signature), 1).is_err());
    }
}

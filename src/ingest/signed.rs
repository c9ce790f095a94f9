//! Which app signed a webhook, kept in front of its body in the journal and in the quarantine: it is looked at whenever the
//! webhook is applied.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::actors::port::Signer;

/// No JSON begins with this byte: a body without it is one that an earlier version put aside.
const MARK: u8 = 1;

/// Puts the signer in front of a body.
pub(super) fn seal(signer: &Signer, body: Bytes) -> Bytes {
    let Signer::App(app) = signer else { return body };
    // A name that is too long is cut and fits no app.
    let length = u16::try_from(app.len()).unwrap_or(u16::MAX);
    let mut sealed = BytesMut::with_capacity(3 + app.len() + body.len());
    sealed.put_u8(MARK);
    sealed.put_u16(length);
    sealed.extend(app.bytes().take(usize::from(length)));
    sealed.extend_from_slice(&body);
    sealed.freeze()
}

/// Takes them apart.
pub(super) fn open(sealed: &Bytes) -> (Signer, Bytes) {
    let taken_apart = sealed.split_first_chunk::<3>().and_then(|(head, rest)| {
        let [MARK, high, low] = *head else { return None };
        let (app, body) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        Some((
            Signer::App(Arc::from(String::from_utf8_lossy(app))),
            sealed.slice_ref(body),
        ))
    });
    taken_apart.unwrap_or_else(|| (Signer::Unknown, sealed.clone()))
}

/// Who signed what stands in the journal or was put aside.
pub fn signer_of(sealed: &Bytes) -> Signer {
    open(sealed).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_comes_apart_again() {
        let long = "a".repeat(70_000);
        for (app, read) in [("", ""), ("shop", "shop"), (&long, &long[..65_535])] {
            for body in ["", "{}", "\u{1}\0\u{1}x"] {
                let sealed = seal(&Signer::App(app.into()), Bytes::from(body));
                assert_eq!(open(&sealed), (Signer::App(read.into()), Bytes::from(body)));
            }
        }
        for body in ["", "{}", "\u{1}", "\u{1}\u{7f}x"] {
            let body = Bytes::from(body);
            assert_eq!(seal(&Signer::Unknown, body.clone()), body);
            assert_eq!(open(&body), (Signer::Unknown, body));
        }
    }
}

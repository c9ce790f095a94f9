//! Which app signed a webhook, kept in front of its body in the journal and in the quarantine: it is looked at whenever the
//! webhook is applied.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::actors::port::Signer;
use crate::domain::TenantId;

/// No JSON begins with this byte: a body without it is one that an earlier version put aside.
const MARK: u8 = 1;

/// Neither with this one, which stands before a part that one tenant alone applies.
const FOR_ONE: u8 = 2;

/// Puts a tenant in front of what was sealed: nobody else applies it.
pub(super) fn seal_for(tenant: TenantId, sealed: &Bytes) -> Bytes {
    let mut for_one = BytesMut::with_capacity(9 + sealed.len());
    for_one.put_u8(FOR_ONE);
    for_one.put_u64(tenant.get());
    for_one.extend_from_slice(sealed);
    for_one.freeze()
}

/// Who alone applies it, if it is not for all whom it concerns; and what was sealed.
fn open_for(sealed: &Bytes) -> (Option<TenantId>, Bytes) {
    match sealed.split_first_chunk::<9>() {
        Some(([FOR_ONE, tenant @ ..], rest)) => {
            let tenant = TenantId::new(u64::from_be_bytes(*tenant));
            (Some(tenant), sealed.slice_ref(rest))
        }
        _ => (None, sealed.clone()),
    }
}

/// Who alone applies what stands in the journal, if it is not for all whom it concerns.
pub(super) fn only_for(sealed: &Bytes) -> Option<TenantId> {
    open_for(sealed).0
}

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
    let (_, sealed) = open_for(sealed);
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
                assert_eq!(only_for(&sealed), None);
                let tenant = TenantId::new(u64::MAX - 1);
                let for_one = seal_for(tenant, &sealed);
                assert_eq!(open(&for_one), open(&sealed));
                assert_eq!(only_for(&for_one), Some(tenant));
            }
        }
        for body in ["", "{}", "\u{1}", "\u{1}\u{7f}x", "\u{2}1234567"] {
            let body = Bytes::from(body);
            assert_eq!(seal(&Signer::Unknown, body.clone()), body);
            assert_eq!(open(&body), (Signer::Unknown, body));
        }
    }
}

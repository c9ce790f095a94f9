//! Which datacentre is asked. One is always named: without that, requests would wander between all of them, and "local"
//! would mean wherever each happens to be answered.

use std::collections::BTreeSet;

use crate::store::error::{StoreError, StoreErrorKind};

/// The datacentre to ask: the one that is named, or the only one there is.
///
/// `Invalid` when it is not there, or when none is named and there are several.
pub(super) fn choose(named: Option<&str>, seen: BTreeSet<String>) -> Result<String, StoreError> {
    let list = || seen.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let refuse = |problem: String| Err(StoreError::new(StoreErrorKind::Invalid, problem));
    match (named, seen.len()) {
        (Some(named), _) if seen.contains(named) => Ok(named.to_owned()),
        (Some(named), 1..) => refuse(format!(
            "there is no datacentre {named}: the cluster has {}",
            list()
        )),
        (None, 2..) => refuse(format!(
            "the cluster has several datacentres ({}): name one as `store.datacenter`",
            list()
        )),
        (_, _) => seen.into_iter().next().ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::Unavailable,
                "no node says which datacentre it is in",
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(named: Option<&str>, seen: &[&str]) -> Result<String, StoreErrorKind> {
        let seen = seen.iter().map(|name| (*name).to_owned()).collect();
        choose(named, seen).map_err(|error| error.kind)
    }

    #[test]
    fn a_datacentre_need_be_named_only_where_there_are_several() {
        assert_eq!(choice(None, &["east"]).unwrap(), "east");
        assert_eq!(choice(Some("west"), &["east", "west"]).unwrap(), "west");
        assert_eq!(choice(None, &["east", "west"]), Err(StoreErrorKind::Invalid));
        assert_eq!(choice(Some("west"), &["east"]), Err(StoreErrorKind::Invalid));
        assert_eq!(choice(None, &[]), Err(StoreErrorKind::Unavailable));
        assert_eq!(choice(Some("west"), &[]), Err(StoreErrorKind::Unavailable));
    }
}

//! What facts mean, told through the model store.

mod conversations;
mod deliveries;
mod identities;
mod orders;
mod reach;
mod shown;

use crate::store::conformance::Memory;
use crate::store::conformance::scene::Scene;

/// A writer over an empty store.
async fn scene() -> Scene {
    Scene::of(&<Memory as crate::store::conformance::Backend>::open()).await
}

#[test]
fn the_fence_that_stands_may_write_and_no_other() {
    use crate::domain::Fence;
    use crate::store::StoreErrorKind::{Fenced, Invalid};
    for (stands, asks, refused) in [(2, 2, None), (2, 1, Some(Fenced)), (2, 3, Some(Invalid))] {
        let admitted = super::admit(Fence::new(stands), Fence::new(asks));
        assert_eq!(
            admitted.err().map(|error| error.kind),
            refused,
            "{asks} to {stands}"
        );
    }
}

#[test]
fn an_op_that_kills_whoever_applies_it_can_never_be_applied_and_that_is_all() {
    let panics = || -> Result<(), _> { panic!("as the test wants") };
    let error = super::unless_it_panics(panics).unwrap_err();
    assert_eq!(error.kind, crate::store::StoreErrorKind::Invalid);
}

//! What facts mean, told through the model store.

mod conversations;
mod deliveries;
mod identities;
mod orders;

use crate::store::conformance::Memory;
use crate::store::conformance::scene::Scene;

/// A writer over an empty store.
async fn scene() -> Scene {
    Scene::of(&<Memory as crate::store::conformance::Backend>::open()).await
}

#[test]
fn an_op_that_kills_whoever_applies_it_can_never_be_applied_and_that_is_all() {
    let panics = || -> Result<(), _> { panic!("as the test wants") };
    let error = super::unless_it_panics(panics).unwrap_err();
    assert_eq!(error.kind, crate::store::StoreErrorKind::Invalid);
}

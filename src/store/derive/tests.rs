//! What facts mean, told through the model store.

mod conversations;
mod deliveries;
mod identities;

use crate::store::conformance::Memory;
use crate::store::conformance::scene::Scene;

/// A writer over an empty store.
async fn scene() -> Scene {
    Scene::of(&<Memory as crate::store::conformance::Backend>::open()).await
}

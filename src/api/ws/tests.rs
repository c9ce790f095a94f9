mod ending;
mod flow;
mod limited;
mod limits;
mod opening;
mod rig;
mod slow;

use std::sync::Arc;

use super::*;
use crate::store::Store;
use crate::store::memory::MemoryStore;

fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

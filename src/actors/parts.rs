//! A directory's parts for the tests of those who use one: nobody answers for Meta, and bounds are the usual ones.

use std::sync::Arc;

use actix::ArbiterHandle;

use super::lane::{Earlier, LaneLimits};
use super::{DirectoryParts, TenantLimits};
use crate::domain::Clock;
use crate::media::{Files, Media};
use crate::store::Store;
use crate::whatsapp::GraphClient;
use crate::whatsapp::client::GraphSettings;

impl DirectoryParts {
    /// Parts on a store.
    pub(crate) fn for_tests(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        arbiters: Vec<ArbiterHandle>,
    ) -> Self {
        let settings = GraphSettings::new("http://127.0.0.1:9", "v24.0");
        let graph = Arc::new(GraphClient::new(settings, Arc::clone(&clock)).unwrap());
        let media = Media::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Files::in_memory(),
            graph.clone(),
        );
        Self {
            store,
            graph,
            files: Arc::new(media),
            clock,
            arbiters,
            tenant_limits: TenantLimits::default(),
            lane_limits: Arc::new(LaneLimits::default()),
            calls: Arc::new(tokio::sync::Semaphore::new(1)),
            ahead: Arc::default(),
            apps: vec!["demo".into()],
            seed: 1,
            earlier: Earlier::Nobody,
        }
    }
}

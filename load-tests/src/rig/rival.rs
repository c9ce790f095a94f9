//! A second gateway on the same cluster, which believes that the tenant is its own.

use std::sync::Arc;

use anyhow::Context as _;

use super::launch::recipients;
use super::{ADMIN, Rig, START};
use crate::agent::Agent;
use crate::gateway::Gateway;
use crate::process::{self, Launch, Process, free_port};
use crate::sender::{Book, Pace, Sender};

/// The second gateway.
pub struct Rival {
    /// Its API.
    pub gateway: Gateway,
    sender: Option<Sender>,
    process: Process,
}

impl Rival {
    /// Stops sending through it, and tells what became of all submits.
    pub async fn finish(&mut self) -> anyhow::Result<Arc<Book>> {
        let sender = self.sender.take().context("nothing is sent")?;
        sender.finish().await
    }
}

impl Rig {
    /// Starts a second gateway, an agent who watches it and a program that sends through it.
    pub async fn rival(&mut self, pace: Pace) -> anyhow::Result<Rival> {
        let port = free_port()?;
        let mut env = self.launch.env.clone();
        env.retain(|(name, _)| name != "MESEJ_SERVER__LISTEN");
        env.push(("MESEJ_SERVER__LISTEN".to_owned(), format!("127.0.0.1:{port}")));
        let launch = Launch {
            binary: self.launch.binary.clone(),
            what: "the second mesej serve",
            args: self.launch.args.clone(),
            env,
            log: self.launch.log.with_file_name("rival.log"),
        };
        let process = launch.start()?;
        let gateway = Gateway::new(format!("http://127.0.0.1:{port}"), ADMIN.to_owned())?;
        process::ready(gateway.client(), &gateway.url("/readyz"), START).await?;
        let name = "cleo".to_owned();
        let agent = Agent::start(gateway.clone(), self.tenant.clone(), name.clone());
        self.agents.push((name, agent));
        let sender = Sender::start(gateway.clone(), self.tenant.clone(), recipients(), pace);
        Ok(Rival {
            gateway,
            sender: Some(sender),
            process,
        })
    }

    /// Ends the second gateway in order: SIGTERM. Its agent is heard for the last time before.
    pub async fn leave(&mut self, rival: Rival) -> anyhow::Result<()> {
        self.tell_oracle().await?;
        self.agents.retain(|(name, _)| name != "cleo");
        rival.process.end(START).await
    }
}

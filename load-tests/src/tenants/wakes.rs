//! Whether a tenant that rests starts again for whatever comes to it: a webhook, a caller, a message that waits in the outbox
//! when the process starts, a socket.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{ms, start};
use crate::agent::Agent;
use crate::gateway::{Gateway, Submitted, Tenant};
use crate::intake::load::next_number;
use crate::intake::webhook::Maker;
use crate::intake::wire::Connection;
use crate::process::Launch;
use crate::stage::SECRET;

/// Numbers that are written to.
const NUMBERS: [&str; 3] = ["790000000000001", "790000000000002", "790000000000003"];
const ACCOUNT: &str = "890000000000001";
const PATH: &str = "/webhooks/whatsapp";
/// Everything comes about within this.
const PATIENCE: Duration = Duration::from_secs(20);
/// Tenants rest after so many seconds here: longer than between two looks of the gauge that tells of them.
pub(super) const IDLE: &str = "5";
/// After so long a tenant rests that has nothing to do.
const LINGERS: Duration = Duration::from_secs(10);

/// The tenants of this part.
pub(super) struct Sleepers {
    webhook: Tenant,
    caller: Tenant,
    socket: Tenant,
}

impl Sleepers {
    pub(super) async fn make(gateway: &Gateway) -> anyhow::Result<Self> {
        let [webhook, caller, socket] = NUMBERS.map(|id| {
            json!({
                "phone_number_id": id, "waba_id": ACCOUNT, "display_phone_number": "+1 555 070 0000",
                "access_token": "a-token", "rate": 80,
            })
        });
        Ok(Self {
            webhook: gateway.make_tenant("Webhook", &webhook).await?,
            caller: gateway.make_tenant("Caller", &caller).await?,
            socket: gateway.make_tenant("Socket", &socket).await?,
        })
    }

    /// Wakes each in its way; how many milliseconds a caller waited, and the start. `serving` lets tenants rest soon.
    pub(super) async fn wake(&self, serving: &Launch, gateway: &Gateway) -> anyhow::Result<Value> {
        let (process, _) = start(serving, gateway).await?;
        live(gateway, 0).await?;
        post(gateway, 0).await?;
        live(gateway, 1).await?;
        let messages = gateway.history(&self.webhook).await?;
        anyhow::ensure!(messages.len() == 1, "{} messages of one", messages.len());
        live(gateway, 0).await?;

        let asked = Instant::now();
        let message = json!({
            "to": "+6281234567890", "type": "template",
            "template": { "name": "hello_world", "language": { "code": "en_US" } },
        });
        match gateway.submit(&self.caller, "wake", &message).await {
            Submitted::Accepted { .. } => {}
            _ => anyhow::bail!("the caller was refused"),
        }
        let caller = asked.elapsed();
        tokio::time::sleep(LINGERS).await;
        live(gateway, 1).await.context("its message waits")?;
        process.kill().await?;

        // Nobody asks for it: its message cannot be sent, and waits.
        let (process, ready) = start(serving, gateway).await?;
        live(gateway, 1).await.context("its message waited")?;

        let agent = Agent::start(gateway.clone(), self.socket.clone(), "a1".to_owned());
        live(gateway, 2).await?;
        tokio::time::sleep(LINGERS).await;
        live(gateway, 2).await.context("its socket is open")?;
        let before = agent.position();
        post(gateway, 2).await?;
        let late = Instant::now() + PATIENCE;
        while agent.position() == before {
            anyhow::ensure!(Instant::now() < late, "the socket hears of nothing");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        process.kill().await?;
        Ok(json!({
            "by": ["webhook", "caller", "outbox", "socket"], "caller_ms": ms(caller), "ready_with_outbox_ms": ms(ready),
        }))
    }
}

async fn post(gateway: &Gateway, number: usize) -> anyhow::Result<()> {
    let address = gateway.url("").trim_start_matches("http://").to_owned();
    let number = NUMBERS.get(number).context("no such number")?;
    let maker = Maker::new(SECRET, ACCOUNT, number, &address, PATH);
    let mut connection = Connection::open(maker.address()).await?;
    let answer = connection.call(&maker.request(next_number(), "hello")).await?;
    anyhow::ensure!(answer == 200, "the webhook was answered {answer}");
    Ok(())
}

/// Waits until so many tenants have actors. The gauge is told every three seconds.
async fn live(gateway: &Gateway, wanted: u32) -> anyhow::Result<()> {
    let late = Instant::now() + PATIENCE;
    loop {
        // Not there before it is told for the first time.
        let live = gateway
            .metric("mesej_tenants{state=\"live\"}")
            .await
            .unwrap_or(-1.0);
        if (live - f64::from(wanted)).abs() < 0.5 {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < late, "{live} tenants are live, not {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

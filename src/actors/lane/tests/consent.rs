//! Customers who want no marketing.

use super::*;
use crate::actors::lane::LaneLimits;
use crate::domain::{Alias, ContactAliases, DeliveryState, MarketingWish, Purpose, WishSource};
use crate::store::Op;
use crate::store::op::Prefer;

#[actix::test]
async fn who_stopped_marketing_before_the_claim_gets_no_call_and_their_line_goes_on() {
    let world = World::new().await;
    let offer = Letter {
        purpose: Purpose::Marketing,
        ..letter(1)
    };
    let unwanted = world.submit(&offer).await;
    let reply = world.submit(&letter(1)).await;
    let wanted = world.submit(&Letter { customer: 2, ..offer }).await;
    let stop = Op::Prefer(Prefer {
        number: None,
        aliases: ContactAliases::of([Alias::phone("62812000001").unwrap()]),
        wish: MarketingWish::Stop(WishSource::Preference),
        at: None,
    });
    world.ledger.commit(stop).await.unwrap();
    let _lane = world.lane(LaneLimits::default());
    world.settled().await;
    let failed = world.delivery(&unwanted).await;
    assert_eq!((failed.state, failed.attempts), (DeliveryState::Failed, 0));
    assert_eq!(failed.error.unwrap().code, 131_050);
    assert!(world.calls_for(&unwanted).is_empty());
    for sent in [&reply, &wanted] {
        assert_eq!(world.state(sent).await, DeliveryState::Sent);
    }
    world.check();
}

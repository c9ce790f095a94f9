//! What messages are checked against.

use super::*;

impl Stage {
    async fn check(&self, template: &Value) -> Result<(), TemplateRefusal> {
        self.book.check(ONE, &waba(), template).await
    }
}

#[tokio::test]
async fn an_account_that_was_never_looked_up_leaves_all_to_meta() {
    let stage = Stage::with(vec![listed("a", "APPROVED")]).await;
    stage.check(&used("a", &[])).await.unwrap();
    stage.check(&used("nope", &[])).await.unwrap();
}

#[tokio::test]
async fn messages_are_refused_for_what_is_known() {
    let stage = Stage::synced(vec![
        listed("a", "APPROVED"),
        listed("paused", "PAUSED"),
        listed("rejected", "REJECTED"),
        listed("strange", "ONE_OF_2027"),
    ])
    .await;
    stage.check(&used("a", &["Ana"])).await.unwrap();
    assert_eq!(
        stage.check(&used("nope", &[])).await,
        Err(TemplateRefusal::Unknown)
    );
    let mut other = used("a", &["Ana"]);
    other["language"]["code"] = json!("id");
    assert_eq!(stage.check(&other).await, Err(TemplateRefusal::Unknown));
    other["language"]["code"] = json!("en-US");
    stage.check(&other).await.unwrap();
    for (name, status) in [
        ("paused", TemplateStatus::Paused),
        ("rejected", TemplateStatus::Rejected),
    ] {
        let refused = stage.check(&used(name, &["Ana"])).await;
        assert_eq!(refused, Err(TemplateRefusal::NotSendable(status)));
    }
    stage.check(&used("strange", &["Ana"])).await.unwrap();
    let Err(TemplateRefusal::Invalid(refused)) = stage.check(&used("a", &["Ana", "Bo"])).await else {
        panic!("too many")
    };
    assert_eq!(refused.path, "template.components[0].parameters");
    let shown = stage
        .book
        .compared(ONE, &waba(), &used("a", &["Ana"]))
        .await
        .unwrap();
    assert_eq!(shown.unwrap().unwrap().body, "Hi Ana!");
}

#[tokio::test]
async fn what_is_read_once_is_read_again_after_half_a_minute_or_a_change() {
    let stage = Stage::synced(vec![listed("a", "APPROVED")]).await;
    stage.check(&used("a", &["Ana"])).await.unwrap();
    // Another process changes it.
    let other = TemplateBook::new(
        stage.store.clone(),
        Arc::new(stage.clock.clone()),
        stage.meta.clone(),
        9,
    );
    let id = TemplateName::new(waba(), "a", "en_US").id();
    let status = |status: TemplateStatus| {
        move |before: Option<&Template>| {
            Some(Template {
                status: status.clone(),
                ..before?.clone()
            })
        }
    };
    other
        .change(ONE, id, "test", status(TemplateStatus::Paused))
        .await
        .unwrap();
    stage.check(&used("a", &["Ana"])).await.unwrap();
    stage.clock.advance(Duration::from_secs(30));
    let paused = Err(TemplateRefusal::NotSendable(TemplateStatus::Paused));
    assert_eq!(stage.check(&used("a", &["Ana"])).await, paused);
    // What is changed here counts at once.
    stage
        .book
        .change(ONE, id, "test", status(TemplateStatus::Approved))
        .await
        .unwrap();
    stage.check(&used("a", &["Ana"])).await.unwrap();
}

#[tokio::test]
async fn another_tenants_template_is_not_known() {
    let stage = Stage::synced(vec![listed("a", "APPROVED")]).await;
    let other = TenantId::new(2);
    let id = TemplateName::new(waba(), "a", "en_US").id();
    assert_eq!(stage.book.get(other, id).await.unwrap(), None);
    assert!(stage.book.versions(other, id).await.unwrap().is_empty());
    // It was never looked up for that tenant.
    stage.book.check(other, &waba(), &used("a", &[])).await.unwrap();
}

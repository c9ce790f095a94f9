//! Programs that act as a member of the team.

use super::*;

const ALL: [Scope; 4] = [Scope::Send, Scope::Read, Scope::Agents, Scope::ActAs];

#[actix_web::test]
async fn a_program_acts_as_a_member_only_with_the_scope_and_while_there_is_one() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let acts = api.add_key(ONE, &ALL).await;
    let conversation = api.conversation_of(ONE, "628123456789").await;
    let notes = format!("/v1/conversations/{conversation}/notes");
    let note = async |key: &str, agent: &str| {
        let call = api.plain("POST", &notes).bearer(key).header("Act-As", agent);
        call.json(&json!({ "text": format!("by {agent}") })).send().await
    };
    let ticket = async |key: &str, agent: &str| {
        let call = api.plain("POST", "/v1/ws/ticket").bearer(key);
        call.json(&json!({ "agent": agent })).send().await
    };
    let forbidden = (403, "forbidden".to_owned());
    // A key of before goes on as it did: it names agents of its own on tickets, and is itself the author.
    assert_eq!(ticket(&api.key, "ben").await.status, 201);
    assert_eq!(ticket(&api.key, ana.user()).await.outcome(), forbidden);
    for agent in ["ben", ana.user()] {
        assert_eq!(note(&api.key, agent).await.outcome(), forbidden, "{agent}");
        assert_eq!(ticket(&acts, agent).await.status, 201, "{agent}");
        assert_eq!(note(&acts, agent).await.status, 201, "{agent}");
    }
    assert_eq!(note(&acts, "").await.outcome().0, 400);
    let thread = api
        .get(&format!("/v1/conversations/{conversation}/messages"))
        .await
        .json();
    let messages = thread["messages"].as_array().unwrap();
    let authors: Vec<&Value> = messages.iter().map(|one| &one["author"]).collect();
    for agent in ["ben", ana.user()] {
        assert!(
            authors.contains(&&json!({ "kind": "agent", "id": agent })),
            "{authors:?}"
        );
    }
    // Whoever is signed in is nobody else.
    let call = owner.call(&api, "POST", &notes).header("Act-As", ana.user());
    let other = call.json(&json!({ "text": "x" })).send().await;
    assert_eq!(other.outcome(), forbidden);
    // A member who left is spoken for by nobody.
    let path = format!("/v1/team/{}", ana.user());
    assert_eq!(owner.send(&api, "DELETE", &path, json!({})).await.status, 200);
    assert_eq!(ticket(&acts, ana.user()).await.outcome(), forbidden);
    assert_eq!(ticket(&api.key, ana.user()).await.outcome(), forbidden);
    assert_eq!(
        note(&acts, ana.user()).await.outcome(),
        (404, "not_found".to_owned())
    );
}

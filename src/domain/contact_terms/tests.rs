use super::*;
use crate::domain::{Alias, ContactAliases, ContactChange, MarketingWish, WishSource};

const KEY: TermKey = TermKey([7; 16]);

fn ana() -> Contact {
    let aliases = ContactAliases::of([Alias::phone("628123456789").unwrap()]);
    let mut ana = Contact::new(ContactId::from_bytes([1; 16]), &aliases, Timestamp::from_secs(9));
    ana.name = Some("José Ana-Lúcia".into());
    ana
}

fn has(contact: &Contact, term: Term) -> bool {
    contact.terms(KEY).iter().any(|(of, _)| *of == term)
}

#[test]
fn a_contact_is_found_by_how_words_begin_and_by_digits_anywhere() {
    let ana = ana();
    for found in ["j", "jose", "ana", "lucia"] {
        assert!(has(&ana, KEY.prefix(found)), "{found}");
    }
    for not in ["ose", "josee", "cia", ""] {
        assert!(!has(&ana, KEY.prefix(not)), "{not}");
    }
    for found in ["6281", "3456", "6789", "3456789"] {
        assert!(has(&ana, KEY.digits(found)), "{found}");
    }
    assert!(!has(&ana, KEY.digits("9876")));
    // A longer word is found by its beginning.
    assert_eq!(KEY.prefix("abcdefghij"), KEY.prefix("abcdefgh"));
}

#[test]
fn case_accents_and_forms_make_no_difference() {
    assert_eq!(fold("ÉLÈVE"), "eleve");
    assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("Σίσυφος"));
    assert_eq!(fold("STRASSE"), fold("Straße"));
    assert_eq!(fold("e\u{301}"), fold("\u{e9}"));
    assert_eq!(fold("Ｆｕｌｌ"), "full");
    assert_eq!(words("Tan, Mei-Ling (VIP)"), ["tan", "mei", "ling", "vip"]);
    assert_eq!(words("محمد علي"), ["محمد", "علي"]);
    assert!(words("🙂 —").is_empty());
}

#[test]
fn only_what_changed_is_written() {
    let before = ana();
    let mut after = before.clone();
    after.named_at = Some(Timestamp::from_secs(10));
    after.updated = Timestamp::from_secs(10);
    assert!(TermChanges::between(KEY, Some(&before), Some(&after)).is_empty());
    after
        .change(&ContactChange::AddLabel("vip".parse().unwrap()))
        .unwrap();
    let changes = TermChanges::between(KEY, Some(&before), Some(&after));
    assert_eq!(changes.removed, []);
    let label = KEY.label(&"VIP".parse().unwrap());
    let by_name = (KEY.by_name_under(label).unwrap(), TermPlace::by_name(&after));
    let mut added = [by_name, (label, TermPlace::by_age(&after))];
    added.sort();
    assert_eq!(changes.added, added);
    after.wish(MarketingWish::Stop(WishSource::Refusal), after.created);
    assert!(has(&after, KEY.opted_out()));
    let gone = TermChanges::between(KEY, Some(&after), None);
    assert_eq!(gone.removed.len(), after.terms(KEY).len());
}

#[test]
fn whatever_changes_terms_is_noticed() {
    let before = ana();
    let mut changed: Vec<Contact> = Vec::new();
    let mut with = |change: &dyn Fn(&mut Contact)| {
        let mut after = ana();
        change(&mut after);
        changed.push(after);
    };
    with(&|row| row.phone = None);
    with(&|row| row.name = None);
    with(&|row| row.username = Some("anna".into()));
    with(&|row| row.given_name = Some("Bos".parse().unwrap()));
    with(&|row| row.lists.push(ListId::from_bytes([2; 16])));
    with(&|row| row.owner = Some(AgentId::parse("a1").unwrap()));
    with(&|row| row.linked_to = Some(ContactId::from_bytes([2; 16])));
    with(&|row| row.group_id = Some("g".into()));
    with(&|row| row.created = Timestamp::from_secs(8));
    with(&|row| row.opted_out_at = Some(Timestamp::default()));
    with(&|row| row.talked_on.push("106540352242922".parse().unwrap()));
    for after in &changed {
        let changes = TermChanges::between(KEY, Some(&before), Some(after));
        assert!(!changes.is_empty());
        let mut terms = before.terms(KEY);
        terms.retain(|row| !changes.removed.contains(row));
        terms.extend(changes.added);
        assert_eq!(terms, after.terms(KEY));
    }
}

#[test]
fn contacts_stand_in_the_order_of_times_and_names() {
    let place = |name: Option<&str>, at: i64| {
        let mut row = ana();
        row.name = name.map(Into::into);
        row.created = Timestamp::from_millis(at);
        row
    };
    let by_age: Vec<_> = [-5, 0, 5].map(|at| TermPlace::by_age(&place(None, at))).into();
    assert!(by_age.is_sorted());
    let names = [
        None,
        Some("ana"),
        Some("Ánab"),
        Some("bob"),
        Some("Zoé"),
        Some("علي"),
    ];
    let by_name: Vec<_> = names.map(|name| TermPlace::by_name(&place(name, 0))).into();
    assert!(by_name.is_sorted());
    assert!(by_name.iter().all(|place| place.order.len() == NAME_ORDER));
}

#[test]
fn numbers_are_the_same_however_they_are_written() {
    let key: AttributeKey = "tier".parse().unwrap();
    let term = |json: &str| KEY.attribute(&key, &serde_json::from_str(json).unwrap());
    assert_eq!(term("2"), term("2.0"));
    assert_eq!(term("0"), term("-0.0"));
    assert_ne!(term("2"), term("\"2\""));
    assert_ne!(term("true"), term("1"));
    assert_eq!(term("\"Jakarta\""), term("\"jakarta\""));
}

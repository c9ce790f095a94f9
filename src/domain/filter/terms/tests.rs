use super::*;
use crate::domain::{Alias, Contact, ContactAliases, ContactId, PhoneNumberId, TenantId, Timestamp};

fn parsed(text: &str) -> Filter {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_search_goes_by_all_terms_and_by_the_fewest_first() {
    let key = TermKey::of(TenantId::new(1));
    let terms = |text: &str| parsed(text).terms(key, None);
    let label = |text: &str| key.label(&text.parse().unwrap());
    assert_eq!(
        terms("opted_out and label = \"vip\" and label = \"VIP\""),
        [vec![label("vip")], vec![key.opted_out()]]
    );
    assert_eq!(
        terms("label = \"vip\" and name ^= \"Anastasia\" and created < 3d"),
        [vec![key.prefix("anastasia")], vec![label("vip")]]
    );
    assert_eq!(terms("phone = \"628123456789\""), [[key.digits("6789")]]);
    let mut either = [label("a"), label("b")];
    either.sort();
    assert_eq!(
        terms("(label = \"a\" or label = \"b\") and label = \"c\""),
        [vec![label("c")], either.to_vec()]
    );
    let one: PhoneNumberId = "1045".parse().unwrap();
    assert_eq!(
        terms("number = \"1045\" and last_active < 3d"),
        [[key.number(&one)], [key.talks()]]
    );
    // Very many numbers are looked at in the rows of who has any.
    let limit = |count: u32| (0..count).map(|n| format!("10{n}").parse().unwrap());
    let of = |count| Filter::on_numbers(limit(count)).terms(key, None);
    assert_eq!((of(8).concat().len(), of(9)), (8, vec![vec![key.talks()]]));
    for all in [
        "",
        "label != \"a\"",
        "label = \"a\" or created < 3d",
        "created < 3d",
        "owner = me",
        "phone ^= \"62\"",
    ] {
        assert!(terms(all).is_empty(), "{all}");
    }
}

#[test]
fn terms_tell_by_themselves_only_where_rows_would_tell_the_same() {
    let key = TermKey::of(TenantId::new(1));
    let told = |text: &str| parsed(text).told_by_terms(key, None);
    let label = |text: &str| key.label(&text.parse().unwrap());
    let under = |under: Vec<AnyTerm>, without: Vec<Term>| Some(ToldByTerms { under, without });
    assert_eq!(told(""), under(vec![vec![key.all()]], vec![]));
    assert_eq!(
        told("not opted_out and label != \"a\""),
        under(vec![vec![key.all()]], vec![key.opted_out(), label("a")])
    );
    assert_eq!(
        told("(label = \"a\" or label = \"b\") and not (opted_out or label = \"c\")"),
        under(
            vec![vec![label("a"), label("b")]],
            vec![key.opted_out(), label("c")]
        )
    );
    for rows in [
        "name ^= \"a\"",
        "phone = \"628123456789\"",
        "number = \"1045\"",
        "not has conversation",
        "points > 3",
        "city ^= \"a\"",
        "label = \"a\" or created < 3d",
        "not (label = \"a\" and opted_out)",
        "owner = none",
        "owner = me",
    ] {
        assert_eq!(told(rows), None, "{rows}");
    }
}

#[test]
fn who_is_nobody_is_looked_for_under_a_term_of_nobodys() {
    let key = TermKey::of(TenantId::new(1));
    let nobody = Filter::nobody();
    assert_eq!(nobody.terms(key, None), [AnyTerm::new()]);
    let narrowed = nobody.clone().and("opted_out".parse().unwrap());
    assert_eq!(narrowed.terms(key, None).first(), nobody.terms(key, None).first());
}

#[test]
fn a_long_name_is_looked_for_by_words_that_have_terms() {
    let key = TermKey::of(TenantId::new(1));
    let name = "a b c d e f g h extraordinarily";
    let aliases = ContactAliases::of([Alias::phone("+55 51 98765-4321").unwrap()]);
    let mut contact = Contact::new(ContactId::from_bytes([1; 16]), &aliases, Timestamp::default());
    contact.given_name = Some(name.parse().unwrap());
    let terms = parsed(&format!("name = \"{name}\"")).terms(key, None);
    let stands = contact.terms(key);
    assert!(
        terms
            .iter()
            .all(|any| stands.iter().any(|(stood, _)| any.contains(stood)))
    );
}

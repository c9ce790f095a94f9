use proptest::prelude::*;

use super::*;
use crate::domain::contact_terms::TermKey;
use crate::domain::{Alias, Contact, ContactAliases, ContactChange, ContactId, TenantId, Timestamp};

fn parsed(text: &str) -> Filter {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_filter_is_printed_in_its_one_form() {
    for (text, printed) in [
        ("", ""),
        ("  ", ""),
        ("label=\"vip\"", "label = \"vip\""),
        ("NOT opted_out", "not opted_out"),
        ("not not opted_out", "opted_out"),
        ("((opted_out))", "opted_out"),
        ("not (label = \"a\")", "label != \"a\""),
        ("not label != \"a\"", "label = \"a\""),
        ("city = \"Jakarta\"", "attribute.city = \"Jakarta\""),
        ("tier >= 02.50", "attribute.tier >= 2.5"),
        ("tier = -0", "attribute.tier = 0"),
        (
            "a = 1 and (b = 2 and c = 3)",
            "attribute.a = 1 and attribute.b = 2 and attribute.c = 3",
        ),
        (
            "a = 1 or b = 2 and c = 3",
            "attribute.a = 1 or attribute.b = 2 and attribute.c = 3",
        ),
        (
            "(a = 1 or b = 2) and c = 3",
            "(attribute.a = 1 or attribute.b = 2) and attribute.c = 3",
        ),
        (
            "not (a = 1 and b = 2)",
            "not (attribute.a = 1 and attribute.b = 2)",
        ),
        ("phone ^= \"+62 812\"", "phone ^= \"62812\""),
        ("name = \"A \\\"B\\\" \\\\\"", "name = \"A \\\"B\\\" \\\\\""),
        ("not last_active < 30d", "not last_active < 30d"),
        ("created != 2026-01-01", "created != 2026-01-01"),
        (
            "label = \"vip\" and (city = \"Jakarta\" or attribute.tier >= 2) and last_active < 30d and not opted_out and \
             list = \"0123456789abcdef0123456789abcdef\" and number = \"1045\" and owner = me and \
             created > 2026-01-01 and name ^= \"an\" and has attribute.city",
            "label = \"vip\" and (attribute.city = \"Jakarta\" or attribute.tier >= 2) and last_active < 30d and \
             not opted_out and list = \"0123456789abcdef0123456789abcdef\" and number = \"1045\" and owner = me and \
             created > 2026-01-01 and name ^= \"an\" and has attribute.city",
        ),
    ] {
        assert_eq!(parsed(text).to_string(), printed, "{text}");
    }
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    for (text, position, problem) in [
        ("label", 5, "expected `=` or `!=`"),
        ("label ~ \"a\"", 6, "'~' means nothing here"),
        ("label < \"a\"", 6, "expected `=` or `!=`"),
        ("label = vip", 8, "expected a label, such as \"vip\""),
        ("label = \"vip", 8, "this text has no end: expected a `\"`"),
        ("label = \"é\" opted_out", 12, "expected `and`, `or` or the end"),
        ("label = \"a\\n\"", 12, "expected `\"` or `\\` behind a `\\`"),
        ("(opted_out", 10, "expected `and`, `or` or `)`"),
        ("opted_out)", 9, "expected `and`, `or` or the end"),
        ("opted_out and", 13, CONDITION_BEGINS),
        ("and", 0, CONDITION_BEGINS),
        ("Name = \"a\"", 0, CONDITION_BEGINS),
        ("list = \"friends\"", 7, "expected a list's `list_id` in quotes"),
        (
            "owner = you",
            8,
            "expected `me`, `none` or a member's `user_id` in quotes",
        ),
        (
            "created = 30d",
            8,
            "expected `<`, `<=`, `>` or `>=`; with a day also `=` or `!=`",
        ),
        (
            "created > 2026-02-30",
            10,
            "expected a number of at most 15 digits, a day as YYYY-MM-DD, or a while such as `30d`",
        ),
        (
            "created > 0d",
            10,
            "expected 1 to 9999 hours, days or weeks, such as `30d`",
        ),
        (
            "created > 5",
            10,
            "expected a day as YYYY-MM-DD, or a while such as `30d`",
        ),
        ("tier > \"a\"", 5, "expected `=`, `!=` or `^=` before a text"),
        ("tier ^= 5", 8, "expected a text in quotes"),
        (
            "tier = 1.2.3",
            7,
            "expected a number of at most 15 digits, a day as YYYY-MM-DD, or a while such as `30d`",
        ),
        (
            "tier > true",
            7,
            "expected a text in quotes, a number, a day as YYYY-MM-DD, `true` or `false`",
        ),
        ("phone ^= \"+62x\"", 9, "expected a text in quotes"),
        (
            "has city",
            4,
            "expected `name`, `username`, `phone`, `label`, `list`, `conversation` or `attribute.` with its key",
        ),
    ] {
        let error = text.parse::<Filter>().unwrap_err();
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.problem.starts_with(problem), "{text}: {error}");
    }
}

const CONDITION_BEGINS: &str = "expected a condition, such as ";

#[test]
fn a_filter_is_bounded_in_length_depth_and_conditions() {
    let nested = |depth: usize| format!("{}opted_out{}", "(".repeat(depth), ")".repeat(depth));
    assert!(nested(DEEPEST).parse::<Filter>().is_ok());
    assert!(nested(DEEPEST + 1).parse::<Filter>().is_err());
    assert!(
        format!("{}opted_out", "not ".repeat(DEEPEST + 1))
            .parse::<Filter>()
            .is_err()
    );
    assert!(nested(900).parse::<Filter>().is_err());
    let many = |count: usize| vec!["opted_out"; count].join(" or ");
    assert!(many(MOST_CONDITIONS).parse::<Filter>().is_ok());
    assert!(many(MOST_CONDITIONS + 1).parse::<Filter>().is_err());
    let long = |letters: usize| format!("name = \"{}\"", "é".repeat(letters - 9));
    assert!(long(LONGEST).parse::<Filter>().is_ok());
    assert_eq!(long(LONGEST + 1).parse::<Filter>().unwrap_err().position, LONGEST);
}

#[test]
fn words_say_whom_a_filter_means() {
    let named = Named::from([
        (
            "0123456789abcdef0123456789abcdef".to_owned(),
            "Friends".to_owned(),
        ),
        ("1045".to_owned(), "Shop".to_owned()),
    ]);
    for (text, words) in [
        ("", "all contacts"),
        ("label = \"vip\"", "contacts with the label “vip”"),
        (
            "label != \"vip\" and (tier >= 2 or city = \"Jakarta\") and not opted_out",
            "contacts without the label “vip” and (whose tier is at least 2 or whose city is “Jakarta”) and who have \
             not stopped marketing",
        ),
        (
            "list = \"0123456789abcdef0123456789abcdef\" or number != \"1045\" or number = \"7\"",
            "contacts in the list “Friends” or without a conversation on the number “Shop” or with a conversation on the \
             number 7",
        ),
        ("last_active < 30d", "contacts last active less than 30 days ago"),
        (
            "not last_active > 1w",
            "contacts not last active more than 1 week ago",
        ),
        (
            "created >= 2026-01-01",
            "contacts that were added on or after 2026-01-01",
        ),
        (
            "owner = none and owner != me",
            "contacts that nobody looks after and that you do not look after",
        ),
        (
            "not name ^= \"an\"",
            "contacts in whose names no word begins with “an”",
        ),
        (
            "not (opted_out and has name)",
            "contacts other than those (who want no marketing and with a name)",
        ),
        ("not has attribute.city", "contacts without any city"),
    ] {
        assert_eq!(parsed(text).words(&named), words, "{text}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-zA-Z0-9 \"\\\\é語()=_.-]{1,12}").unwrap()
}

fn key() -> impl Strategy<Value = AttributeKey> {
    let text = proptest::string::string_regex("[a-z][a-z0-9_]{0,10}").unwrap();
    text.prop_map(|key| key.parse().unwrap())
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::Less),
        Just(Order::AtMost),
        Just(Order::Same),
        Just(Order::AtLeast),
        Just(Order::More)
    ]
}

fn how() -> impl Strategy<Value = Match> {
    prop_oneof![Just(Match::Whole), Just(Match::Begins)]
}

fn day() -> impl Strategy<Value = Date> {
    (0_i64..4_000_000_000).prop_map(|secs| Date::of(Timestamp::from_secs(secs)))
}

fn condition() -> impl Strategy<Value = Condition> {
    let test = prop_oneof![
        (how(), any_text()).prop_map(|(how, text)| Test::Text(how, text)),
        (order(), -99_999_i32..99_999)
            .prop_map(|(order, number)| Test::Number(order, f64::from(number) / 8.0)),
        (order(), day()).prop_map(|(order, day)| Test::Day(order, day)),
        any::<bool>().prop_map(Test::Truth),
    ];
    let owner = prop_oneof![
        Just(Owner::Me),
        Just(Owner::Nobody),
        proptest::string::string_regex("[a-z0-9]{1,32}")
            .unwrap()
            .prop_map(|id| Owner::User(AgentId::parse(&id).unwrap()))
    ];
    let unit = prop_oneof![Just(Unit::Hours), Just(Unit::Days), Just(Unit::Weeks)];
    let moment = || prop_oneof![Just(Moment::Created), Just(Moment::LastActive)];
    let unequal = order().prop_filter("a while is never hit", |order| *order != Order::Same);
    let part = prop_oneof![
        key().prop_map(Part::Attribute),
        Just(Part::Name),
        Just(Part::Username),
        Just(Part::Phone),
        Just(Part::Label),
        Just(Part::List),
        Just(Part::Conversation)
    ];
    prop_oneof![
        any_text().prop_filter_map("no label", |text| text.parse().ok().map(Condition::Label)),
        any::<[u8; 16]>().prop_map(|id| Condition::List(ListId::from_bytes(id))),
        (1_u64..u64::MAX).prop_map(|id| Condition::Number(id.to_string().parse().unwrap())),
        owner.prop_map(Condition::Owner),
        Just(Condition::OptedOut),
        Just(Condition::IsMinor),
        (how(), any_text()).prop_map(|(how, text)| Condition::Name(how, text)),
        (how(), 1_u64..u64::MAX).prop_map(|(how, digits)| Condition::Phone(how, digits.to_string())),
        (key(), test).prop_map(|(key, test)| Condition::Attribute(key, test)),
        part.prop_map(Condition::Has),
        (moment(), order(), day()).prop_map(|(moment, order, day)| Condition::Time(
            moment,
            order,
            When::Day(day)
        )),
        (moment(), unequal, 1_u32..10_000, unit).prop_map(|(moment, order, count, unit)| Condition::Time(
            moment,
            order,
            When::Age(Age { count, unit })
        )),
    ]
}

/// A filter as the parser makes one.
fn filter() -> impl Strategy<Value = Filter> {
    condition()
        .prop_map(Filter::Is)
        .prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Filter::all),
                prop::collection::vec(inner.clone(), 1..4).prop_map(Filter::any),
                inner.prop_map(Filter::negated),
            ]
        })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_what_was_meant(filter in filter()) {
        let printed = filter.to_string();
        prop_assume!(printed.chars().count() <= LONGEST);
        prop_assert_eq!(printed.parse::<Filter>(), Ok(filter), "{}", printed);
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_in_it(text in "[ a-z\"\\\\0-9()=<>!^é.,_-]{0,60}") {
        if let Err(error) = text.parse::<Filter>() {
            prop_assert!(error.position <= text.chars().count());
        }
    }
}

fn contact() -> Contact {
    let aliases = ContactAliases::of([Alias::phone("+55 51 98765-4321").unwrap()]);
    let mut contact = Contact::new(ContactId::from_bytes([1; 16]), &aliases, time("2026-06-15"));
    contact.name = Some("José Ana-Lúcia".into());
    let attribute = |key: &str, json: &str| {
        ContactChange::Attribute(key.parse().unwrap(), Some(serde_json::from_str(json).unwrap()))
    };
    for change in [
        attribute("city", "\"São Paulo\""),
        attribute("tier", "2"),
        attribute("paid", "true"),
        attribute("renewal", "\"2026-12-01\""),
        ContactChange::AddLabel("VIP".parse().unwrap()),
        ContactChange::AddList(ListId::from_bytes([3; 16])),
        ContactChange::Owner(Some(AgentId::parse("ana").unwrap())),
    ] {
        contact.change(&change).unwrap();
    }
    contact
}

fn time(day: &str) -> Timestamp {
    day.parse::<Date>().unwrap().begins()
}

#[test]
fn a_filter_means_whom_it_says() {
    let mut contact = contact();
    let number: PhoneNumberId = "1045".parse().unwrap();
    assert!(contact.talk_on(&number) && !contact.talk_on(&number));
    let me = AgentId::parse("ana").unwrap();
    let facts = Facts {
        contact: &contact,
        last_active: Some(time("2026-11-01")),
        numbers: std::slice::from_ref(&number),
        asker: Some(&me),
        now: time("2026-11-30"),
    };
    let key = TermKey::of(TenantId::new(1));
    let terms = contact.terms(key);
    for held in [
        "",
        "label = \"vip\"",
        "list = \"03030303030303030303030303030303\"",
        "number = \"1045\" and has conversation",
        "owner = me and owner = \"ana\" and owner != none",
        "not opted_out and not is_minor",
        "not unreachable or unreachable and opted_out",
        "name = \"jose ana-lucia\"",
        "name ^= \"lu\" and name ^= \"ana jos\"",
        "phone = \"+55 51 8765-4321\" and phone = \"5551987654321\"",
        "phone ^= \"5551\" and phone ^= \"5\"",
        "city = \"sao paulo\" and city ^= \"São\" and city != \"Rio\"",
        "tier = 2 and tier >= 2 and tier <= 2.0 and tier < 3 and tier > 1 and tier != 3",
        "paid = true and paid != false",
        "renewal = 2026-12-01 and renewal > 2026-11-30 and renewal < 2027-01-01",
        "renewal = \"2026-12-01\"",
        "has attribute.city and has name and has phone and has label and has list and not has username",
        "created = 2026-06-15 and created >= 2026-06-15 and created < 2026-06-16",
        "created > 160d and created < 30w",
        "last_active < 30d and last_active > 28d and last_active <= 696h",
        "city != \"x\" or tier = 9",
        "tier != \"2\" and missing != 1 and not missing > 1",
    ] {
        let filter = parsed(held);
        assert!(filter.matches(facts), "{held}");
        assert!(!Filter::negated(filter.clone()).matches(facts), "not {held}");
        for any in filter.terms(key, Some(&me)) {
            let stands = terms.iter().any(|(of, _)| any.contains(of));
            assert!(stands, "{held}: whom it means does not stand there");
        }
    }
    for not in [
        "label = \"vi\"",
        "opted_out",
        "owner = none",
        "name = \"jose\"",
        "name ^= \"ose\"",
        "city = \"São\"",
        "tier = \"2\"",
        "tier < 2",
        "missing < 1",
        "missing = false",
        "city < 2027-01-01",
        "has attribute.missing",
        "created > 2026-06-15",
        "last_active > 30d",
    ] {
        assert!(!parsed(not).matches(facts), "{not}");
    }
    let nobody_asks = Facts {
        asker: None,
        last_active: None,
        numbers: &[],
        ..facts
    };
    for not in [
        "owner = me",
        "last_active > 1d",
        "last_active < 1d",
        "has conversation",
        "number = \"1045\"",
    ] {
        assert!(!parsed(not).matches(nobody_asks), "{not}");
    }
}

#[test]
fn whatever_is_read_is_read_again_as_it_is_printed() {
    let grows = vec!["c1 = \"xxxxxxxxxxxxxxxxxxxxxxxxx\""; 50].join(" or ");
    assert!(grows.chars().count() < LONGEST);
    let error = grows.parse::<Filter>().unwrap_err();
    assert!(error.problem.contains("in its one form"), "{error}");
}

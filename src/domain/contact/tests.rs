use super::*;

#[test]
fn a_phone_is_digits_whatever_punctuation_it_came_with() {
    assert_eq!(
        Alias::phone("+62 812-3456 (789)").unwrap().value.as_ref(),
        "628123456789"
    );
    for bad in ["", "12", "not a phone", "+1 555 ext 12", "123456789012345678901"] {
        assert!(Alias::phone(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_number_that_people_write_is_no_other_number() {
    for (text, digits) in [
        ("+62 812-3456-(789)", Some("628123456789")),
        ("62.812.3456.789", Some("628123456789")),
        ("628123456789", Some("628123456789")),
        ("+62 812 000 000", Some("62812000000")),
        ("628123456789.0", None),
        ("628123456789.00", None),
        ("+62 (0)812 3456 789", None),
        ("+62+628123456789", None),
        ("0812 3456 789", None),
        ("(0812) 3456 789", None),
        ("1234567890123456", None),
        ("62812345678O", None),
        ("+", None),
    ] {
        let dialled = Alias::dialled(text).map(|alias| alias.value);
        assert_eq!(dialled.as_deref(), digits, "{text}");
    }
}

#[test]
fn a_parent_bsuid_is_told_from_a_bsuid() {
    assert_eq!(
        Alias::bsuid("US.13491208655302741918").unwrap().kind,
        AliasKind::Bsuid
    );
    assert_eq!(
        Alias::bsuid("US.ENT.11815799212886844830").unwrap().kind,
        AliasKind::ParentBsuid
    );
    for bad in ["", "US.", "USA.123", "US.12-3", "13491208655302741918", "US.ENT."] {
        assert!(Alias::bsuid(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_group_and_a_customer_of_the_same_name_are_two() {
    let group = ContactAliases::of([Alias::group("628123456789").unwrap()]);
    let customer = ContactAliases::of([Alias::phone("628123456789").unwrap()]);
    let id = |aliases: &ContactAliases| aliases.new_contact_id(TenantId::new(1)).unwrap();
    assert_ne!(id(&group), id(&customer));
    assert_eq!(
        Contact::new(id(&group), &group, Timestamp::default()).aliases(),
        group
    );
    for bad in ["", "two words", "gr\u{fc}ppe", &"x".repeat(257)] {
        assert!(Alias::group(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_contact_that_was_written_before_there_were_groups_is_read() {
    let text = r#"{"id":"00000000000000000000000000000001","phone":"628123456789","created":1,"updated":2}"#;
    let contact: Contact = serde_json::from_str(text).unwrap();
    assert_eq!(contact.group_id, None);
    assert_eq!(serde_json::to_string(&contact).unwrap(), text);
}

#[test]
fn a_contact_never_shows_its_phone_in_debug() {
    let aliases = ContactAliases::of([Alias::phone("628123456789").unwrap()]);
    let id = aliases.new_contact_id(TenantId::new(1)).unwrap();
    let contact = Contact::new(id, &aliases, Timestamp::default());
    assert!(!format!("{contact:?} {aliases:?}").contains("628123456789"));
}

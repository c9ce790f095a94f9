use super::*;
use proptest::prelude::*;

fn phone(text: &str) -> Phone {
    Phone::parse(text).unwrap()
}

#[test]
fn a_customer_is_found_by_phone_and_by_id() {
    let mut customers = Customers::new(1);
    let first = customers.by_phone(phone("+6281234567890"));
    let second = customers.by_phone(phone("+6281234567891"));
    assert_ne!(first, second);
    assert_eq!(customers.by_phone(phone("+6281234567890")), first);
    let id = customers.user_id(second);
    assert!(id.starts_with("ID."), "{id}");
    assert!(looks_like_user_id(&id));
    assert_eq!(customers.find_user_id(&id), Some(second));
    assert_eq!(customers.find_user_id("ID.123"), None);
}

#[test]
fn moving_to_another_number_ends_the_old_id_and_keeps_the_address() {
    let mut customers = Customers::new(1);
    let index = customers.by_phone(phone("+16505551234"));
    let address = customers.get(index).unwrap().address;
    let old = customers.move_number(index, phone("+12195555358")).unwrap();
    assert_eq!(customers.find_user_id(&old), None);
    assert_ne!(customers.user_id(index), old);
    assert_eq!(customers.get(index).unwrap().address, address);
    assert_ne!(
        customers.by_phone(phone("+16505551234")),
        index,
        "the old number is free for another"
    );
}

#[test]
fn nobody_is_behind_a_number_that_its_owner_left_until_somebody_takes_it() {
    let mut customers = Customers::new(1);
    let index = customers.by_phone(phone("+16505551234"));
    customers.move_number(index, phone("+12195555358"));
    let nobody = customers.by_phone(phone("+16505551234"));
    assert!(!customers.get(nobody).unwrap().on_whatsapp);
    let somebody = customers.find_or_make("+16505551234").unwrap();
    assert!(customers.get(somebody).unwrap().on_whatsapp);
    assert_ne!(somebody, index);
}

#[test]
fn a_username_hides_the_phone() {
    let mut customers = Customers::new(1);
    let spec = CustomerSpec {
        phone: Some("+16505551234".into()),
        username: Some("ana.p".into()),
        ..CustomerSpec::default()
    };
    let index = customers.apply(&spec).unwrap();
    assert!(!customers.view(index).unwrap().shows_phone);
    assert_eq!(customers.username(index), Some("ana.p"));
}

#[test]
fn a_script_keeps_what_it_does_not_mention() {
    let mut customers = Customers::new(1);
    let with = |spec: CustomerSpec| CustomerSpec {
        phone: Some("+16505551234".into()),
        ..spec
    };
    customers.apply(&with(CustomerSpec {
        name: Some("Ana".into()),
        receipts: Some(false),
        ..CustomerSpec::default()
    }));
    let index = customers
        .apply(&with(CustomerSpec {
            on_whatsapp: Some(false),
            ..CustomerSpec::default()
        }))
        .unwrap();
    let view = customers.view(index).unwrap();
    assert_eq!(
        (view.name.as_str(), view.receipts, view.on_whatsapp),
        ("Ana", false, false)
    );
}

#[test]
fn a_chosen_id_makes_a_customer_without_a_phone() {
    let mut customers = Customers::new(1);
    let index = customers.find_or_make("US.13491208655302741918").unwrap();
    assert_eq!(customers.find_or_make("US.13491208655302741918"), Some(index));
    assert_eq!(customers.view(index).unwrap().phone, None);
    assert_eq!(customers.find_or_make("not an id"), None);
}

proptest! {
    #[test]
    fn scrambling_leads_back(plain: u64, salt: u64) {
        prop_assert_eq!(unscramble(scramble(plain, salt), salt), plain);
    }

    #[test]
    fn no_text_breaks_the_look_up(text in ".{0,60}") {
        let mut customers = Customers::new(1);
        let _ = customers.find_or_make(&text);
    }
}

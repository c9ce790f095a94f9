//! A webhook's body, whatever stands in it.
//!
//! An element that is put aside is written as a body of its own, and applied from there on replay. So each element has to be
//! the only one in its body, say the same as before, and be written the same way again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesej::whatsapp::webhook::{Element, calls, glance, parse, preferences};

fuzz_target!(|body: &[u8]| {
    // What decides the order of work reads every body first, and may not stumble over any.
    let _ = glance(body);
    let Ok(webhook) = parse(body) else { return };
    for element in &webhook.elements {
        if let Element::Other(other) = element {
            let _ = preferences(other);
            let _ = calls(other);
        }
        let alone = element.to_single_webhook();
        let again = parse(&alone).expect("a body that the gateway wrote");
        let [again] = again.elements.as_slice() else {
            panic!(
                "{} elements in the body of one {}",
                again.elements.len(),
                element.kind()
            );
        };
        assert_same(element, again);
        assert_eq!(
            alone,
            again.to_single_webhook(),
            "written otherwise the second time"
        );
    }
});

fn assert_same(one: &Element, two: &Element) {
    assert_eq!(one.number(), two.number());
    match (one, two) {
        // Compared without being shown: `Debug` hides what customers wrote.
        (Element::Message(one), Element::Message(two)) => assert!(one == two, "{one:?} became {two:?}"),
        (Element::Status(one), Element::Status(two)) => {
            assert_eq!((&one.waba, one.state, one.at), (&two.waba, two.state, two.at));
            assert_eq!(one.wamid, two.wamid);
            assert_eq!((&one.token, &one.error), (&two.token, &two.error));
            assert_eq!(one.callback_data, two.callback_data);
            assert_eq!((&one.aliases, &one.group_id), (&two.aliases, &two.group_id));
            assert_eq!(one.raw().get(), two.raw().get());
        }
        (Element::Other(one), Element::Other(two)) => {
            assert_eq!((&one.field, &one.part, one.key), (&two.field, &two.part, two.key));
            assert_eq!((&one.waba, one.at), (&two.waba, two.at));
            assert_eq!(one.value.get(), two.value.get());
        }
        (Element::Malformed(one), Element::Malformed(two)) => assert_eq!(one.reason, two.reason),
        (one, two) => panic!("a {} became a {}", one.kind(), two.kind()),
    }
}

//! Numbers that are written in two ways: as people dial them, and as WhatsApp knows them.
//!
//! Brazil put a ninth digit before the numbers of mobile phones, Mexico and Argentina a digit behind their country codes.
//! WhatsApp knows many under the older form, and tells either.
//! Source: Cloud API, Phone numbers: `wa_id` need not equal the number that was dialled.

use std::sync::Arc;

/// The other form of a number, in digits with country code; `None` where there is only one.
pub fn other_form(digits: &str) -> Option<Arc<str>> {
    let (country, rest) = digits.split_at_checked(2)?;
    let other = match (country, rest.len()) {
        ("55", 10 | 11) => {
            let (area, line) = rest.split_at_checked(2)?;
            match line.strip_prefix('9') {
                Some(old) if line.len() == 9 && is_mobile(old) => format!("55{area}{old}"),
                _ if line.len() == 8 && is_mobile(line) => format!("55{area}9{line}"),
                _ => return None,
            }
        }
        ("52", 11) => format!("52{}", rest.strip_prefix('1')?),
        ("52", 10) => format!("521{rest}"),
        ("54", 11) => format!("54{}", rest.strip_prefix('9')?),
        ("54", 10) => format!("549{rest}"),
        _ => return None,
    };
    Some(other.into())
}

/// Whether two numbers are one, in whatever form.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || other_form(one).as_deref() == Some(other)
}

/// Whether eight Brazilian digits are a mobile phone's: the others have no ninth.
fn is_mobile(line: &str) -> bool {
    line.starts_with(['6', '7', '8', '9'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_leads_to_the_other() {
        for (dialled, known) in [
            ("5551987654321", "555187654321"),
            ("525512345678", "5215512345678"),
            ("541123456789", "5491123456789"),
        ] {
            assert_eq!(other_form(dialled).as_deref(), Some(known));
            assert_eq!(other_form(known).as_deref(), Some(dialled));
            assert!(is_same(dialled, known) && is_same(known, dialled) && is_same(known, known));
        }
    }

    #[test]
    fn other_numbers_have_one_form() {
        for only in [
            "551132654321",
            "6281234567890",
            "16505551234",
            "52551234567",
            "5201234567890",
            "5",
            "",
        ] {
            assert_eq!(other_form(only), None, "{only}");
        }
        assert!(!is_same("5551987654321", "555187654322"));
    }
}

//! Whether a message fills its template as Meta wants it, and what the customer then sees. The shape of the message itself was
//! checked before: [`crate::whatsapp::parse_outbound`].

mod buttons;

use serde_json::Value;

use self::buttons::fill_buttons;
use super::definition::{Block, Definition, Header, Offer, ParameterFormat};
use super::pattern::Pattern;
use super::preview::{CardPreview, HeaderPreview, Preview};
use crate::domain::{ContentError, quantity};
use crate::whatsapp::place::Place;

const MOST_COMPONENTS: usize = 20;
const MOST_PARAMETERS: usize = 100;
const LONGEST_HEADER: usize = 60;
const LONGEST_BODY: usize = 1_024;
/// The same where the template has nothing else.
const LONGEST_ALONE: usize = 32_768;
const LONGEST_CARD_BODY: usize = 160;
/// What header, body, buttons and carousel are filled by, and what goes with any template.
const KINDS: [&str; 7] = [
    "header",
    "body",
    "button",
    "carousel",
    "limited_time_offer",
    "tap_target_configuration",
    "order_status",
];
/// Headers that are filled by an object of their kind.
const OBJECTS: [&str; 6] = ["image", "video", "document", "gif", "location", "product"];

/// Checks the `template` object of a message against its template, and shows what the customer will see.
pub fn fill(definition: &Definition, template: &Value) -> Result<Preview, ContentError> {
    let template = Place::top("template", template);
    let components = template.find("components")?;
    let components = match &components {
        Some(list) => list.items(0, MOST_COMPONENTS)?,
        None => Vec::new(),
    };
    let given = Given {
        parent: &template,
        components: &components,
    };
    given.refuse_unknown(&definition.unknown)?;
    let longest_body = if definition.is_body_alone {
        LONGEST_ALONE
    } else {
        LONGEST_BODY
    };
    let filled = fill_block(&definition.main, definition.format, longest_body, given)?;
    fill_offer(definition.offer.as_ref(), given)?;
    Ok(Preview {
        header: filled.header,
        body: filled.body.unwrap_or_default(),
        footer: definition.footer.clone(),
        buttons: filled.buttons,
        limited_time_offer: definition.offer.as_ref().map(|offer| offer.text.clone()),
        cards: fill_cards(definition, given)?,
    })
}

/// The components of a message, or of one of its cards.
#[derive(Clone, Copy)]
struct Given<'g, 'v> {
    parent: &'g Place<'g, 'v>,
    components: &'g [Place<'g, 'v>],
}

impl<'g, 'v> Given<'g, 'v> {
    fn of_kind(self, wanted: &'static str) -> impl Iterator<Item = &'g Place<'g, 'v>> {
        let is_wanted = move |component: &&Place<'_, '_>| kind(component) == wanted;
        self.components.iter().filter(is_wanted)
    }

    /// The only component of a kind.
    fn one(self, wanted: &'static str) -> Result<Option<&'g Place<'g, 'v>>, ContentError> {
        let mut all = self.of_kind(wanted);
        let first = all.next();
        match all.next() {
            Some(second) => Err(second.fail(format!("is a second {wanted}"))),
            None => Ok(first),
        }
    }

    /// A refusal of what is not there.
    fn missing(self, problem: impl Into<String>) -> ContentError {
        self.parent.fail_at("components", problem)
    }

    fn refuse_unknown(self, known: &[String]) -> Result<(), ContentError> {
        let unknown = |component: &&Place<'_, '_>| {
            let kind = kind(component);
            !KINDS.contains(&kind.as_str()) && !known.contains(&kind)
        };
        match self.components.iter().find(unknown) {
            Some(component) => {
                Err(component.fail_at("type", "is a component that the template does not have"))
            }
            None => Ok(()),
        }
    }
}

fn kind(component: &Place<'_, '_>) -> String {
    super::definition::kind_of(component.value())
}

/// The `parameters` of a component, if it is there and has some.
fn parameters<'g, 'v>(component: Option<&'g Place<'g, 'v>>) -> Result<Option<Place<'g, 'v>>, ContentError> {
    match component {
        Some(component) => component.find("parameters"),
        None => Ok(None),
    }
}

fn fill_block(
    block: &Block,
    format: ParameterFormat,
    longest_body: usize,
    given: Given<'_, '_>,
) -> Result<CardPreview, ContentError> {
    let header = fill_header(block.header.as_ref(), format, given)?;
    let nothing = Pattern::default();
    let body = Text {
        name: "body",
        pattern: block.body.as_ref().unwrap_or(&nothing),
        format,
        longest: longest_body,
    };
    let body = body.fill(given)?;
    Ok(CardPreview {
        header,
        body: block.body.is_some().then_some(body),
        buttons: fill_buttons(&block.buttons, given)?,
    })
}

fn fill_header(
    header: Option<&Header>,
    format: ParameterFormat,
    given: Given<'_, '_>,
) -> Result<Option<HeaderPreview>, ContentError> {
    let nothing = Pattern::default();
    let wanted = match header {
        None => &nothing,
        Some(Header::Text(pattern)) => pattern,
        Some(Header::Object(kind)) => return fill_object(kind, given).map(Some),
    };
    let text = Text {
        name: "header",
        pattern: wanted,
        format,
        longest: LONGEST_HEADER,
    };
    let text = text.fill(given)?;
    Ok(header.map(|_| HeaderPreview {
        format: "text".to_owned(),
        text: Some(text),
    }))
}

/// A header that is a file, a place or a product.
fn fill_object(wanted: &str, given: Given<'_, '_>) -> Result<HeaderPreview, ContentError> {
    let list = parameters(given.one("header")?)?;
    let values = match &list {
        Some(list) => list.items(0, MOST_PARAMETERS)?,
        None => Vec::new(),
    };
    let [value] = values.as_slice() else {
        let problem = format!("must have a header with one parameter of type {wanted}");
        return Err(match &list {
            Some(list) => list.fail(problem),
            None => given.missing(problem),
        });
    };
    let object = value.need("type")?;
    let written = object.value().as_str().unwrap_or_default();
    if OBJECTS.contains(&wanted) && !written.eq_ignore_ascii_case(wanted) {
        return Err(object.fail(format!("must be {wanted}, as the template's header")));
    }
    let shown = value.value().get(written);
    let shown = shown.and_then(|object| {
        let names = ["filename", "name", "link"];
        names.iter().find_map(|key| object.get(*key)?.as_str())
    });
    Ok(HeaderPreview {
        format: wanted.to_owned(),
        text: shown.map(str::to_owned),
    })
}

/// A text of the template, and how it is filled.
struct Text<'d> {
    name: &'static str,
    pattern: &'d Pattern,
    format: ParameterFormat,
    longest: usize,
}

impl Text<'_> {
    fn fill(&self, given: Given<'_, '_>) -> Result<String, ContentError> {
        let component = given.one(self.name)?;
        let list = parameters(component)?;
        let values = match &list {
            Some(list) => list.items(0, MOST_PARAMETERS)?,
            None => Vec::new(),
        };
        let fail = |problem: String| match (&list, component) {
            (Some(list), _) => list.fail(problem),
            (None, Some(component)) => component.fail_at("parameters", problem),
            (None, None) => given.missing(format!("lacks the {}: {problem}", self.name)),
        };
        let variables = self.pattern.variables();
        let mut filled = Vec::with_capacity(values.len());
        match self.format {
            ParameterFormat::Positional => {
                if values.len() != variables.len() {
                    return Err(fail(self.other_count(variables.len(), values.len())));
                }
                for (name, value) in variables.iter().zip(&values) {
                    filled.push((*name, shown(value)?));
                }
            }
            ParameterFormat::Named => {
                for value in &values {
                    let name = name_of(value, &variables)?;
                    if filled.iter().any(|(known, _)| *known == name) {
                        return Err(value.fail_at("parameter_name", "is there twice"));
                    }
                    filled.push((name, shown(value)?));
                }
                let unfilled = variables
                    .iter()
                    .find(|name| filled.iter().all(|(known, _)| known != *name));
                if let Some(name) = unfilled {
                    return Err(fail(format!("has no parameter for the variable {name}")));
                }
            }
        }
        let text = self.pattern.filled(|name| {
            let found = filled.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_str())
        });
        let length = text.chars().count();
        if length > self.longest {
            let (name, longest) = (self.name, self.longest);
            return Err(fail(format!(
                "make the {name} {length} characters long; at most {longest} are allowed"
            )));
        }
        Ok(text)
    }

    fn other_count(&self, wanted: usize, given: usize) -> String {
        let counted = |count: usize, one: &str| quantity(u64::try_from(count).unwrap_or(u64::MAX), one);
        let (wanted, given) = (counted(wanted, "variable"), counted(given, "parameter"));
        format!(
            "the template's {} has {wanted}, and the message {given}",
            self.name
        )
    }
}

/// The variable that a parameter fills.
fn name_of<'d>(parameter: &Place<'_, '_>, variables: &[&'d str]) -> Result<&'d str, ContentError> {
    let place = parameter.need("parameter_name")?;
    let written = place.value().as_str().unwrap_or_default();
    let known = variables.iter().find(|name| **name == written);
    known.copied().ok_or_else(|| {
        place.fail(match variables {
            [] => "names a variable, and the template has none here".to_owned(),
            names => format!("must be one of {}", names.join(", ")),
        })
    })
}

/// The text that a parameter shows.
fn shown(parameter: &Place<'_, '_>) -> Result<String, ContentError> {
    let kind = parameter.need("type")?;
    match kind
        .value()
        .as_str()
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "text" => match parameter.need("text")?.value() {
            Value::String(text) => Ok(text.clone()),
            other => Ok(other.to_string()),
        },
        object @ ("currency" | "date_time") => {
            let object = parameter.need(object)?;
            object
                .need_text("fallback_value", LONGEST_ALONE)
                .map(str::to_owned)
        }
        _ => Err(kind.fail("must be text, currency or date_time: it fills a variable in a text")),
    }
}

fn fill_offer(offer: Option<&Offer>, given: Given<'_, '_>) -> Result<(), ContentError> {
    let component = given.one("limited_time_offer")?;
    match (offer, component) {
        (None, Some(component)) => Err(component.fail("fills an offer, and the template has none")),
        (Some(Offer { expires: true, .. }), None) => {
            Err(given.missing("must have a limited_time_offer that says when it expires"))
        }
        (Some(Offer { expires: false, .. }) | None, None) => Ok(()),
        (Some(_), Some(component)) => {
            let list = component.need("parameters")?;
            for value in list.items(1, 1)? {
                value.need_one_of("type", &["limited_time_offer"])?;
                let offer = value.need("limited_time_offer")?;
                let expires = offer.need("expiration_time_ms")?;
                if expires.value().as_u64().is_none() {
                    return Err(expires.fail("must be a time in milliseconds since 1970"));
                }
            }
            Ok(())
        }
    }
}

fn fill_cards(definition: &Definition, given: Given<'_, '_>) -> Result<Vec<CardPreview>, ContentError> {
    let wanted = definition.cards.len();
    let component = match (given.one("carousel")?, wanted) {
        (Some(carousel), 0) => return Err(carousel.fail("fills a carousel, and the template has none")),
        (None, 0) => return Ok(Vec::new()),
        (None, _) => return Err(given.missing(format!("must have a carousel of {wanted} cards"))),
        (Some(carousel), _) => carousel,
    };
    let list = component.need("cards")?;
    let cards = list.items(wanted, wanted)?;
    let mut filled: Vec<Option<CardPreview>> = vec![None; wanted];
    for (position, card) in cards.iter().enumerate() {
        let index = card.find("card_index")?;
        let place = match &index {
            Some(index) => number(index)?,
            None => position,
        };
        let at = index.as_ref().unwrap_or(card);
        let (Some(block), Some(slot)) = (definition.cards.get(place), filled.get_mut(place)) else {
            return Err(at.fail(format!(
                "must be the place of a card, 0 to {}",
                wanted.saturating_sub(1)
            )));
        };
        if slot.is_some() {
            return Err(at.fail("is there twice"));
        }
        let components = card.find("components")?;
        let components = match &components {
            Some(list) => list.items(0, MOST_COMPONENTS)?,
            None => Vec::new(),
        };
        let given = Given {
            parent: card,
            components: &components,
        };
        given.refuse_unknown(&definition.unknown)?;
        *slot = Some(fill_block(block, definition.format, LONGEST_CARD_BODY, given)?);
    }
    Ok(filled.into_iter().flatten().collect())
}

/// A place: a number, or one that is written as a text.
fn number(place: &Place<'_, '_>) -> Result<usize, ContentError> {
    let number = match place.value() {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| place.fail("must be a place, counted from 0"))
}

use super::*;

const SMALL: &str = "\
# a comment
date: 2026-10-01
currency: EUR
source: made up

market,countries,marketing,utility
Indonesia,ID,0.0341,0.0208
Islands,TL PG,0.5,
Other,,0.05,0.000001
";

fn category(name: &str) -> PricingCategory {
    PricingCategory::try_from(name.to_owned()).unwrap()
}

fn country(code: &str) -> Option<CountryCode> {
    Some(code.parse().unwrap())
}

#[test]
fn the_card_that_ships_can_be_read_and_has_a_price_for_everybody() {
    let card = RateCard::shipped().unwrap();
    assert_eq!(
        (card.date().to_string().as_str(), card.currency()),
        ("2026-01-01", "USD")
    );
    for name in ["marketing", "utility", "authentication"] {
        for code in ["ID", "US", "DO", "DE", "AQ"] {
            assert!(
                card.price(&category(name), country(code)).is_some(),
                "{name} {code}"
            );
        }
    }
    let of = |code| card.market(country(code));
    assert_eq!(
        [of("ID"), of("US"), of("KE"), of("AQ")],
        ["Indonesia", "North America", "Rest of Africa", "Other"]
    );
    assert_eq!(card.market(None), "Other");
    assert_eq!(
        card.price(&category("marketing"), country("ID"))
            .unwrap()
            .to_string(),
        "0.0411"
    );
}

#[test]
fn messages_come_to_their_markets_prices_exactly() {
    let card = RateCard::parse(SMALL).unwrap();
    let to = [
        (country("ID"), 3),
        (country("TL"), 2),
        (country("PG"), 1),
        (country("FR"), 4),
        (None, 5),
        (country("US"), 0),
    ];
    let spend = card.spend(&category("utility"), to);
    let shown: Vec<_> = spend
        .markets
        .iter()
        .map(|one| (&*one.market, one.messages, one.cost().map(Micros::get)))
        .collect();
    assert_eq!(
        shown,
        [
            ("Indonesia", 3, Some(62_400)),
            ("Islands", 3, None),
            ("Other", 9, Some(9))
        ]
    );
    assert_eq!((spend.total(), spend.unpriced()), (Micros::new(62_409), 3));
    let known: Vec<_> = spend.markets[2]
        .countries
        .iter()
        .map(|(code, count)| (code.to_string(), *count))
        .collect();
    assert_eq!(known, [("FR".to_owned(), 4)], "nobody's country is guessed");
    assert_eq!(card.spend(&category("service"), [(None, 7)]).unpriced(), 7);
}

#[test]
fn a_bad_card_is_refused_with_the_line() {
    for (from, to, line, why) in [
        ("0.0341", "0,0341", 7, "there must be 4 cells, and 5 are there"),
        (
            "0.0341",
            "-1",
            7,
            "`-1`: a price is a number such as 0.0411, below 1000000, with up to six decimals",
        ),
        (
            "0.0341",
            "0.1234567",
            7,
            "`0.1234567`: a price is a number such as 0.0411, below 1000000, with up to six decimals",
        ),
        ("TL PG", "TL ID", 8, "the country ID is there twice"),
        (
            "TL PG",
            "Timor",
            8,
            "`Timor` is no country: two letters for a country, such as ID",
        ),
        ("TL PG", "", 8, "the market has no countries"),
        (
            "Islands",
            "Indonesia",
            8,
            "the market `Indonesia` has no name, or is there twice",
        ),
        (
            "Other,,",
            "Other,AQ,",
            9,
            "`Other` has no countries: it has all that are in no market",
        ),
        (
            "Other,,",
            "Rest,AQ,",
            9,
            "the card ends, and the market `Other` is missing",
        ),
        ("date: 2026-10-01", "", 9, "the card ends, and `date:` is missing"),
        ("2026-10-01", "October", 2, "`date` must be a day as YYYY-MM-DD"),
        ("EUR", "€", 3, "`currency` must be three letters, such as USD"),
        ("source: made up", "date: 2026-10-02", 4, "`date` is there twice"),
        (
            "source:",
            "from:",
            4,
            "`from` is none of `date`, `currency` and `source`",
        ),
        (
            "market,countries,",
            "country,",
            6,
            "the columns must begin with `market,countries`",
        ),
        (
            ",utility",
            ",marketing",
            6,
            "the column `marketing` is there twice",
        ),
    ] {
        let text = SMALL.replace(from, to);
        assert_ne!(text, SMALL);
        let error = RateCard::parse(&text).unwrap_err();
        assert_eq!((error.line, error.why.as_str()), (line, why));
    }
    assert_eq!(
        RateCard::parse("").unwrap_err().to_string(),
        "line 1: the card ends, and `date:` is missing"
    );
}

#[test]
fn an_amount_is_written_as_it_is_read() {
    for (text, micros) in [
        ("0", 0),
        ("0.0411", 41_100),
        ("12.5", 12_500_000),
        ("999999.999999", 999_999_999_999),
    ] {
        let amount: Micros = text.parse().unwrap();
        assert_eq!((amount.get(), amount.to_string().as_str()), (micros, text));
    }
    for wrong in ["", ".5", "5.", "1e3", "+1", "1 000", "1000000", "0.0000001", "１"] {
        assert!(wrong.parse::<Micros>().is_err(), "{wrong}");
    }
    assert_eq!(Micros::new(u64::MAX).times(2), Micros::new(u64::MAX));
}

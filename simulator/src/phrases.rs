//! What people are called and what they write, in several languages.

struct Language {
    countries: &'static [&'static str],
    names: &'static [&'static str],
    lines: &'static [&'static str],
    answers: &'static [&'static str],
}

const LANGUAGES: [Language; 7] = [
    Language {
        countries: &["US", "GB", "IN", "ZA", "NG", "KE", "SG"],
        names: &[
            "Sheena Nelson",
            "Priya Raman",
            "Tom Okafor",
            "Grace Mwangi",
            "Liam Carter",
            "Aisha Bello",
            "Daniel Kim",
            "Meera Shah",
            "Oliver Hughes",
            "Thandi Dlamini",
            "Rohan Mehta",
            "Emily Stone",
        ],
        lines: &[
            "Hi, is my order on its way?",
            "Does it come in another color?",
            "What are your opening hours today?",
            "Can I change the delivery address?",
            "Do you have this in size M?",
            "I got the wrong item 😕",
            "Can someone call me back please",
            "How much is shipping to Leeds?",
            "Is the table by the window free at 7?",
            "My code doesn't work",
            "hello??",
            "Can I pay on delivery?",
            "Could you send me the invoice?",
            "Do you ship on Sundays?",
            "I'd like to book for two",
            "Is this still available?",
            "The parcel says delivered but I have nothing here. Can you check with the courier? Thanks a lot.",
        ],
        answers: &[
            "Great, thanks!",
            "ok",
            "Perfect 👍",
            "When exactly?",
            "Hmm, not sure yet",
            "Yes please",
            "No, thank you",
            "Sounds good, see you then",
            "That helps a lot, thank you",
            "👍",
            "Could you explain that again?",
        ],
    },
    Language {
        countries: &["ES", "MX", "AR", "CO"],
        names: &[
            "Ana Pérez",
            "Pablo Morales",
            "Lucía Fernández",
            "Diego Ramírez",
            "Sofía Castro",
            "Mateo Núñez",
            "Valentina Ríos",
            "Javier Ortega",
        ],
        lines: &[
            "Hola, ¿cuándo llega mi pedido?",
            "¿Tienen talla 38?",
            "¿A qué hora abren mañana?",
            "Quiero cambiar la dirección",
            "¿Cuánto cuesta el envío?",
            "Me llegó el producto equivocado 😔",
            "¿Aceptan tarjeta?",
            "Buenas tardes, quisiera reservar para cuatro personas",
            "¿Siguen teniendo la promoción?",
            "No me llega el código",
        ],
        answers: &[
            "¡Gracias!",
            "vale",
            "Perfecto 🙌",
            "¿A qué hora?",
            "Sí, por favor",
            "No, gracias",
            "Muchas gracias por la ayuda",
            "Lo pienso y le digo",
        ],
    },
    Language {
        countries: &["BR", "PT"],
        names: &[
            "João Silva",
            "Mariana Souza",
            "Carlos Oliveira",
            "Beatriz Lima",
            "Rafael Santos",
            "Camila Rocha",
        ],
        lines: &[
            "Oi, meu pedido já saiu?",
            "Vocês têm esse modelo em azul?",
            "Qual o horário de hoje?",
            "Quero trocar o endereço",
            "Quanto fica o frete pra Recife?",
            "Chegou errado 😞",
            "Aceita pix?",
            "Boa tarde! Ainda tem vaga pra amanhã?",
        ],
        answers: &[
            "Obrigado!",
            "ok",
            "Perfeito 👏",
            "Que horas?",
            "Sim, por favor",
            "Não, obrigada",
            "Show, valeu",
        ],
    },
    Language {
        countries: &["ID", "MY"],
        names: &[
            "Siti Rahmawati",
            "Budi Santoso",
            "Dewi Lestari",
            "Agus Pratama",
            "Nurul Aini",
            "Rizky Hidayat",
            "Putri Maharani",
            "Ahmad Fauzi",
        ],
        lines: &[
            "Halo kak, pesanan saya sudah dikirim?",
            "Ada warna lain gak?",
            "Buka jam berapa hari ini?",
            "Bisa COD?",
            "Ongkir ke Bandung berapa ya?",
            "Barang yang datang salah 😢",
            "Mau ganti alamat pengiriman dong",
            "Selamat pagi, mau pesan kue ulang tahun untuk hari Sabtu",
            "Stoknya masih ada?",
            "Kode saya tidak bisa dipakai",
        ],
        answers: &[
            "Terima kasih kak 🙏",
            "oke",
            "Siap",
            "Jam berapa ya?",
            "Iya, boleh",
            "Gak jadi deh",
            "Baik, ditunggu",
        ],
    },
    Language {
        countries: &["SA", "AE", "EG", "MA", "DZ", "TN"],
        names: &[
            "أحمد علي",
            "فاطمة الزهراء",
            "محمد حسن",
            "ليلى إبراهيم",
            "يوسف خالد",
            "مريم سعيد",
        ],
        lines: &[
            "السلام عليكم، متى يصل طلبي؟",
            "هل يوجد مقاس آخر؟",
            "كم سعر التوصيل؟",
            "أريد تغيير العنوان",
            "ما هي ساعات العمل اليوم؟",
            "وصلني منتج خاطئ 😔",
            "هل الدفع عند الاستلام متاح؟",
        ],
        answers: &[
            "شكراً جزيلاً",
            "تمام",
            "ممتاز 👍",
            "في أي ساعة؟",
            "نعم من فضلك",
            "لا شكراً",
        ],
    },
    Language {
        countries: &["FR"],
        names: &[
            "Camille Laurent",
            "Hugo Moreau",
            "Inès Dubois",
            "Lucas Petit",
            "Chloé Girard",
        ],
        lines: &[
            "Bonjour, où en est ma commande ?",
            "Vous l'avez en rouge ?",
            "Vous ouvrez à quelle heure ?",
            "Je voudrais modifier mon adresse",
            "C'est combien la livraison ?",
            "J'ai reçu le mauvais article 😕",
        ],
        answers: &[
            "Merci !",
            "d'accord",
            "Parfait 👌",
            "À quelle heure ?",
            "Oui, s'il vous plaît",
            "Non merci",
        ],
    },
    Language {
        countries: &["DE", "NL"],
        names: &[
            "Jonas Weber",
            "Lena Fischer",
            "Felix Braun",
            "Mia Hoffmann",
            "Emma de Vries",
        ],
        lines: &[
            "Hallo, wann kommt meine Bestellung?",
            "Gibt es das auch in Größe 42?",
            "Wie lange habt ihr heute geöffnet?",
            "Ich möchte die Lieferadresse ändern",
            "Was kostet der Versand?",
            "Ich habe das falsche Paket bekommen 😕",
        ],
        answers: &[
            "Danke!",
            "ok",
            "Super 👍",
            "Wann genau?",
            "Ja, bitte",
            "Nein, danke",
        ],
    },
];

/// Phone numbers begin with these where chatter makes customers up.
pub(crate) const DIALLING: [&str; 12] = [
    "1650555",
    "44770090",
    "62812345",
    "551199999",
    "521551234",
    "3460011",
    "96650123",
    "234803123",
    "3361234",
    "491512345",
    "91981234",
    "25471234",
];

fn language(country: &str) -> &'static Language {
    let [english, ..] = &LANGUAGES;
    LANGUAGES
        .iter()
        .find(|language| language.countries.contains(&country))
        .unwrap_or(english)
}

fn pick(from: &'static [&'static str], chance: u64) -> &'static str {
    let count = u64::try_from(from.len()).unwrap_or(1).max(1);
    usize::try_from(chance % count)
        .ok()
        .and_then(|index| from.get(index))
        .copied()
        .unwrap_or_default()
}

/// A name of somebody from a country. People with consecutive numbers all have names of their own, until every given name
/// has gone with every family name.
pub(crate) fn name(country: &str, number: u64) -> String {
    let names = language(country).names;
    let count = u64::try_from(names.len()).unwrap_or(1).max(1);
    let (one, other) = (
        pick(names, number),
        pick(names, (number % count).wrapping_add(number / count % count)),
    );
    let (given, _) = one.split_once(' ').unwrap_or((one, ""));
    let (_, family) = other.split_once(' ').unwrap_or(("", other));
    format!("{given} {family}")
}

/// What somebody from there opens a conversation with.
pub(crate) fn line(country: &str, chance: u64) -> &'static str {
    pick(language(country).lines, chance)
}

/// What somebody from there answers.
pub(crate) fn answer(country: &str, chance: u64) -> &'static str {
    pick(language(country).answers, chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_in_the_language_of_their_country() {
        let lines: Vec<_> = (0..20).map(|chance| line("ID", chance)).collect();
        assert!(lines.contains(&"Bisa COD?"));
        assert!(!lines.contains(&"hello??"));
        assert_eq!(name("Nowhere", 0), "Sheena Nelson");
    }

    #[test]
    fn nobody_is_called_like_somebody_else() {
        for language in &LANGUAGES {
            let country = language.countries.first().copied().unwrap_or_default();
            let count = language.names.len() * language.names.len();
            let from = u64::MAX / 3;
            let names: std::collections::BTreeSet<_> = (from..from + u64::try_from(count).unwrap())
                .map(|number| name(country, number))
                .collect();
            assert_eq!(names.len(), count, "{country}");
        }
    }
}

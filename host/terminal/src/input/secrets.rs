//! Questions that no point of sale may ask: for a PIN, a password, a card's data.

/// Words that may not stand in a question, alone. Compared without case and accents.
const WORDS: [&str; 36] = [
    "pin",
    "pins",
    "pincode",
    "pinnumber",
    "pinnummer",
    "cvv",
    "cvc",
    "csc",
    "cvn",
    "password",
    "passwords",
    "passcode",
    "passphrase",
    "passwd",
    "otp",
    "cardnumber",
    // German.
    "passwort",
    "kennwort",
    "geheimzahl",
    "kartennummer",
    "kartenprüfnummer",
    "prüfziffer",
    // French.
    "nip",
    // Spanish and Portuguese.
    "contraseña",
    "clave",
    "senha",
    // Dutch, Danish, Norwegian, Swedish, Finnish.
    "wachtwoord",
    "kaartnummer",
    "kodeord",
    "passord",
    "lösenord",
    "kortnummer",
    "salasana",
    // Russian.
    "пин",
    "пинкод",
    "пароль",
];

/// Words that may not follow each other.
const PHRASES: [&str; 26] = [
    "card number",
    "card no",
    "card num",
    "card nr",
    "number of your card",
    "number on your card",
    "security code",
    "secret code",
    "secret number",
    "personal identification number",
    "verification code",
    "verification number",
    "card verification",
    "one time code",
    "card expiry",
    "card expiration",
    "card valid",
    // French.
    "mot de passe",
    "code secret",
    "code confidentiel",
    "numéro de carte",
    // Spanish, Portuguese, Italian.
    "número de tarjeta",
    "código de seguridad",
    "número do cartão",
    "numero della carta",
    "codice segreto",
];

/// Digits that are read as letters.
const READ_AS: [(char, char); 6] = [
    ('0', 'o'),
    ('1', 'i'),
    ('3', 'e'),
    ('4', 'a'),
    ('5', 's'),
    ('7', 't'),
];

/// Whether a text mentions what only the secure keypad, or nobody, may ask for.
pub(super) fn mentioned(text: &str) -> bool {
    let folded: String = text
        .chars()
        .flat_map(char::to_lowercase)
        .filter_map(fold)
        .collect();
    let read: String = folded
        .chars()
        .map(|character| {
            let letter = READ_AS.iter().find(|(digit, _)| *digit == character);
            letter.map_or(character, |(_, letter)| *letter)
        })
        .collect();
    // `CVV2` with its digit apart, `P1N` with its digit read as a letter.
    is_among(&words(&folded)) || is_among(&words(&read))
}

/// The words of a text: letters beside each other.
fn words(text: &str) -> Vec<&str> {
    text.split(|character: char| !character.is_alphabetic())
        .filter(|word| !word.is_empty())
        .collect()
}

fn is_among(words: &[&str]) -> bool {
    let banned = || WORDS.iter().map(|word| folded(word));
    let alone = banned().any(|banned| words.contains(&banned.as_str()));
    let follow = PHRASES.iter().any(|phrase| {
        let phrase = folded(phrase);
        let parts: Vec<_> = phrase.split(' ').collect();
        words
            .windows(parts.len())
            .any(|beside| beside == parts.as_slice())
    });
    // Letters with something between them, as in `P.I.N.`.
    let spelt = words
        .chunk_by(|one, other| is_letter(one) && is_letter(other))
        .filter(|letters| letters.len() > 1)
        .map(<[&str]>::concat)
        .any(|run| banned().any(|banned| run.contains(&banned)));
    alone || follow || spelt
}

fn is_letter(word: &str) -> bool {
    word.chars().count() == 1
}

/// A word of the tables in the form in which texts are compared.
fn folded(text: &str) -> String {
    text.chars().filter_map(fold).collect()
}

/// A lower-case letter without its accent; a letter of another script that looks like one of ours, as
/// ours. `None` for an accent that stands by itself.
fn fold(character: char) -> Option<char> {
    Some(match character {
        '\u{300}'..='\u{36f}' => return None,
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'а' | 'α' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' | 'с' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'е' | 'ё' | 'ε' => 'e',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ǐ' | 'і' | 'ι' | 'ɩ' => 'i',
        'κ' | 'к' => 'k',
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ν' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ǒ' | 'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' | 'ѕ' => 's',
        'ţ' | 'ť' | 'ț' | 'τ' | 'т' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ǔ' | 'υ' => 'u',
        'ý' | 'ÿ' | 'у' => 'y',
        'х' | 'χ' => 'x',
        '\u{ff01}'..='\u{ff5e}' => u32::from(character)
            .checked_sub(0xfee0)
            .and_then(char::from_u32)
            .map_or(character, |ascii| ascii.to_ascii_lowercase()),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::mentioned;

    #[test]
    fn questions_for_secrets_are_found_however_they_are_written() {
        for text in [
            "Enter your PIN",
            "pin?",
            "Your PIN-code please",
            "P.I.N.",
            "Enter P I N now",
            "P1N",
            "CVV2 of the card",
            "Pi\u{301}n",
            "PÍN",
            "РІN with Cyrillic letters",
            "ΡΙΝ",
            "ＰＩＮ",
            "Your Password",
            "Card number",
            "CARD  NUMBER:",
            "the card-number",
            "Security code",
            "Bitte Kartennummer eingeben",
            "Kartenprufnummer",
            "KARTENPRÜFNUMMER",
            "Votre mot de passe",
            "Numero de carte",
            "Numéro de carte",
            "Contraseña",
            "contrasena",
            "Senha",
            "пин-код",
            "ПАРОЛЬ",
        ] {
            assert!(mentioned(text), "{text}");
        }
    }

    #[test]
    fn other_questions_are_let_through() {
        for text in [
            "",
            "Phone number",
            "Your e-mail address",
            "Table number",
            "Pineapple or spinach?",
            "Opinion?",
            "Enter your postcode",
            "How many guests?",
            "Do you want a receipt?",
            "Loyalty number",
            "A b c",
            "Is it a gift card?",
            "A pineapple",
            "4 1 1",
            "Ваш телефон",
        ] {
            assert!(!mentioned(text), "{text}");
        }
    }
}

//! Comments say something, and about components: no doc comment of three words, no person where a
//! component is meant, no metaphor for a crate or a host.

use crate::source::{File, files};

/// Words for people. A component is not one: say caller, runner, worker, client, operator.
const PERSONS: [&str; 13] = [
    "somebody",
    "nobody",
    "everybody",
    "anybody",
    "someone",
    "anyone",
    "everyone",
    "whoever",
    "whomever",
    "who",
    "whom",
    "whose",
    "himself",
];

/// Words of this project's past for crates and hosts.
const METAPHORS: [&str; 4] = ["room", "rooms", "home", "homes"];

/// A doc comment that says less than this is left out or says what it is, its units or its bounds.
const WORDS_MIN: usize = 4;

/// A comment of one or more lines: the number of its first line, and its text.
struct Comment {
    line: usize,
    is_doc: bool,
    text: String,
}

/// The comments of a file that stand on lines of their own, and those behind code.
fn comments(file: &File) -> Vec<Comment> {
    let mut found: Vec<Comment> = Vec::new();
    let mut previous = None;
    for (index, line) in file.text.lines().enumerate() {
        let trimmed = line.trim_start();
        let marker = ["///", "//!", "//"].into_iter().find(|marker| trimmed.starts_with(marker));
        let Some(marker) = marker else {
            previous = None;
            if let Some((code, text)) = line.split_once(" // ")
                && !code.contains('"')
            {
                found.push(Comment { line: index + 1, is_doc: false, text: text.to_owned() });
            }
            continue;
        };
        let text = trimmed.trim_start_matches(marker).trim();
        match found.last_mut().filter(|_| previous == Some(marker)) {
            Some(comment) => {
                comment.text.push('\n');
                comment.text.push_str(text);
            }
            None => {
                let is_doc = marker == "///";
                found.push(Comment { line: index + 1, is_doc, text: text.to_owned() });
            }
        }
        previous = Some(marker);
    }
    found
}

/// The words of a text outside of backticks, in lower case.
fn words(text: &str) -> Vec<String> {
    let prose: String = text.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    let words = prose.split(|c: char| !c.is_alphanumeric() && c != '\'');
    let words = words.map(|word| word.trim_end_matches("'s").to_lowercase());
    words.filter(|word| !word.is_empty()).collect()
}

fn offences(offence: impl Fn(&Comment) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for file in files("rs") {
        for comment in comments(&file) {
            if let Some(offence) = offence(&comment) {
                found.push(format!("{}:{}: {offence}", file.path, comment.line));
            }
        }
    }
    found
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{} {what}:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_doc_comment_has_three_words_or_fewer() {
    let found = offences(|comment| {
        let first = comment.text.split("\n\n").next().unwrap_or_default();
        let count = first.split_whitespace().count();
        (comment.is_doc && count < WORDS_MIN).then(|| first.to_owned())
    });
    assert_none("doc comments say nothing", &found);
}

#[test]
fn no_comment_makes_a_person_of_a_component() {
    let found = offences(|comment| {
        words(&comment.text).into_iter().find(|word| PERSONS.contains(&word.as_str()))
    });
    assert_none("comments speak of persons", &found);
}

#[test]
fn no_comment_calls_a_crate_a_room_or_a_host_a_home() {
    let found = offences(|comment| {
        words(&comment.text).into_iter().find(|word| METAPHORS.contains(&word.as_str()))
    });
    assert_none("comments speak in metaphors", &found);
}

#[test]
fn comments_are_read_with_their_lines_and_without_their_code() {
    let text = "/// Whose `nobody`.\n/// More.\nfn f() {} // Somebody's.\n//! Room\n";
    let file = File { path: "f.rs".to_owned(), text: text.to_owned() };
    let read: Vec<_> = comments(&file).into_iter().map(|c| (c.line, c.is_doc, c.text)).collect();
    let want = [
        (1, true, "Whose `nobody`.\nMore.".to_owned()),
        (3, false, "Somebody's.".to_owned()),
        (4, false, "Room".to_owned()),
    ];
    assert_eq!(read, want);
    assert_eq!(words("Whose `nobody` is Somebody's."), ["whose", "is", "somebody"]);
}

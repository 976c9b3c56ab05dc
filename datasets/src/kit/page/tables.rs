//! The tables of a page: columns, rules, comparisons.

use std::fmt::Write as _;

use super::{PageOf, facts, frequency, table};
use crate::Severity;
use crate::kit::facts::{Facts, aggregation, open_rule, sensitivity, severity};
use crate::pattern::{Compare, Pattern, Role, Sum, Text, With};
use crate::period::Frequency;
use crate::report::{Language, escaped};

const END: &str = "</tbody>\n</table></div>\n";

pub(super) fn columns(out: &mut String, of: PageOf<'_>, language: Language) {
    let _ = writeln!(out, "<h2 id=\"columns\">{}</h2>", language.pick("Kolumny", "Columns"));
    let heads = match language {
        Language::Polish => [
            "Kolumna",
            "Co to jest",
            "Jak pisać",
            "Wymagana",
            "Słownik",
            "Łączenie",
            "Jawność i dane otwarte",
        ],
        Language::English => [
            "Column",
            "What it is",
            "How to write it",
            "Required",
            "Code list",
            "Aggregation",
            "Sensitivity, open data",
        ],
    };
    let caption = language.pick(
        "Kolejność kolumn w pliku jest dowolna; nazwy i tytuły są równie dobre.",
        "Columns may come in any order; names and titles are equally good.",
    );
    table(out, caption, &heads);
    facts(of).for_each(|facts| column(out, facts, language));
    out.push_str(END);
    let aside = &of.pattern.set_aside;
    if !aside.is_empty() {
        let names: Vec<String> = aside.iter().map(|name| format!("<code>{}</code>", escaped(name))).collect();
        let _ = writeln!(
            out,
            "<p class=\"about\">{}: {}</p>",
            language.pick("Pomijane, jeśli są w pliku", "Set aside if a file has them"),
            names.join(", ")
        );
    }
}

fn column(out: &mut String, facts: Facts<'_>, language: Language) {
    let column = facts.column;
    let mut name = format!("<code>{}</code>", escaped(&column.name));
    if !column.aliases.is_empty() {
        let word = language.pick("także", "also");
        name += &format!("<br><span class=\"more\">{word}: {}</span>", escaped(&column.aliases.join(", ")));
    }
    let mut what = escaped(language.pick(&column.title.pl, &column.title.en));
    if language == Language::Polish && !column.description.is_empty() {
        what += &format!("<br><span class=\"more\">{}</span>", escaped(&column.description));
    }
    let unit = column.unit.as_ref().map(|unit| format!(" [{unit}]")).unwrap_or_default();
    let mut how = escaped(&format!("{}{unit}", facts.kind(language)));
    for bound in facts.bounds(language) {
        how += &format!("<br><span class=\"more\">{}</span>", escaped(&bound));
    }
    let example = facts.example();
    if !example.is_empty() {
        let word = language.pick("np.", "as");
        how += &format!("<br><span class=\"more\">{word} <code>{}</code></span>", escaped(&example));
    }
    if let Some(form) = &column.form {
        let word = language.pick("dla programistów", "for programs");
        how += &format!(
            "<details class=\"more\"><summary>{word}</summary><code>{}</code></details>",
            escaped(form)
        );
    }
    let is_needed = facts.required(Language::English) == "yes";
    let lists: Vec<String> = facts.references().map(|(reference, _)| escaped(&reference.list)).collect();
    let put_together = match column.role {
        Role::Measure => aggregation(column.aggregation, language),
        Role::Dimension | Role::Attribute => "–",
    };
    let _ = writeln!(
        out,
        "<tr><th scope=\"row\">{name}</th><td>{what}</td><td>{how}</td><td{}>{}</td><td>{}</td><td>{put_together}</td><td>{}; {}</td></tr>",
        if is_needed { " class=\"needed\"" } else { "" },
        facts.required(language),
        if lists.is_empty() { "–".to_owned() } else { lists.join(", ") },
        sensitivity(column.sensitivity, language),
        open_rule(column.open_rule, language),
    );
}

/// What a rule of any kind is told as.
struct Told<'a> {
    id: &'a str,
    severity: Severity,
    when: &'a [Frequency],
    message: String,
    hint: &'a str,
    condition: String,
}

fn rule(out: &mut String, told: &Told<'_>, language: Language) {
    let class = if told.severity == Severity::Block { " class=\"block\"" } else { "" };
    let when = match told.when {
        [] => language.pick("zawsze", "always").to_owned(),
        when => when.iter().map(|one| escaped(frequency(*one, language))).collect::<Vec<_>>().join(", "),
    };
    let hint = match told.hint {
        "" => String::new(),
        hint => format!("<br><span class=\"more\">→ {}</span>", escaped(hint)),
    };
    let _ = writeln!(
        out,
        "<tr><th scope=\"row\"><code>{}</code></th><td{class}>{}</td><td>{when}</td><td>{}{hint}</td><td>{}</td></tr>",
        escaped(told.id),
        severity(told.severity, language),
        escaped(&told.message),
        told.condition,
    );
}

fn heads(language: Language) -> [&'static str; 5] {
    match language {
        Language::Polish => ["Reguła", "Waga", "Na koniec", "Co jest źle i co zrobić", "Kiedy jest dobrze"],
        Language::English => {
            ["Rule", "Severity", "At the end of", "What is wrong and what to do", "When all is well"]
        }
    }
}

pub(super) fn rules(out: &mut String, of: PageOf<'_>, language: Language) {
    let pattern = of.pattern;
    let _ = writeln!(out, "<h2 id=\"rules\">{}</h2>", language.pick("Reguły", "Rules"));
    let caption = language.pick(
        "Oprócz nich każda wartość musi pasować do swojej kolumny. Pusta komórka spełnia regułę.",
        "Besides, each value must fit its column. An empty cell satisfies a rule.",
    );
    table(out, caption, &heads(language));
    let said = |text: &'_ Text| language.pick(&text.pl, &text.en).to_owned();
    for reference in &pattern.references {
        let list = of.lists.get(&reference.list).map(|list| said(&list.title)).unwrap_or_default();
        let message = language.pick("Wartości nie ma w słowniku", "The value is not in the code list");
        let condition = format!(
            "<code>({}) ∈ {}({})</code>",
            escaped(&reference.columns.join(", ")),
            escaped(&reference.list),
            escaped(&reference.list_columns.join(", "))
        );
        let (id, message) =
            (format!("{} → {}", reference.columns.join(", "), reference.list), format!("{message}: {list}"));
        let hint = language.pick(
            "Obowiązuje wersja z ostatniego dnia okresu.",
            "The version of the period's last day holds.",
        );
        rule(
            out,
            &Told { id: &id, severity: reference.severity, when: &[], message, hint, condition },
            language,
        );
    }
    for of in &pattern.rules {
        let condition = format!("<code>{}</code>", escaped(&of.expression));
        let hint = language.pick(&of.hint.pl, &of.hint.en);
        let message = said(&of.message);
        rule(
            out,
            &Told { id: &of.id, severity: of.severity, when: &of.when, message, hint, condition },
            language,
        );
    }
    out.push_str(END);
}

pub(super) fn comparisons(out: &mut String, pattern: &Pattern, language: Language) {
    if pattern.compares.is_empty() {
        return;
    }
    let _ = writeln!(out, "<h2 id=\"comparisons\">{}</h2>", language.pick("Porównania", "Comparisons"));
    let caption = language.pick(
        "Sumy sprawozdania obok sum innych sprawozdań tego samego nadawcy.",
        "Sums of the report beside those of other reports of the same publisher.",
    );
    table(out, caption, &heads(language));
    for of in &pattern.compares {
        let hint = language.pick(&of.hint.pl, &of.hint.en);
        let (message, condition) =
            (language.pick(&of.message.pl, &of.message.en).to_owned(), condition(of, language));
        rule(
            out,
            &Told { id: &of.id, severity: of.severity, when: &of.when, message, hint, condition },
            language,
        );
    }
    out.push_str(END);
}

/// What is compared, and the condition that holds when all is well.
fn condition(of: &Compare, language: Language) -> String {
    let sum = |sum: &Sum| {
        let what = match &sum.column {
            Some(column) => format!("sum({column})"),
            None => "count()".to_owned(),
        };
        let filter = sum.filter.as_ref().map(|filter| format!(" where {filter}")).unwrap_or_default();
        format!(
            "<br><span class=\"more\"><code>{} = {}</code></span>",
            escaped(&sum.name),
            escaped(&format!("{what}{filter}"))
        )
    };
    let with = match &of.with {
        With::This => language.pick("to samo sprawozdanie", "the report itself").to_owned(),
        With::Previous => {
            language.pick("poprzedni okres tego roku", "the period before it in the year").to_owned()
        }
        With::Pattern(id) => format!("<code>{}</code>", escaped(id)),
    };
    let by = match of.by.is_empty() {
        true => language.pick("razem", "in total").to_owned(),
        false => format!("{} {}", language.pick("według", "by"), escaped(&of.by.join(", "))),
    };
    let own: String = of.this.iter().map(sum).collect();
    let beside: String = of.other.iter().map(sum).collect();
    let beside = format!("<br>{} {with}, {by}{beside}", language.pick("obok:", "beside:"));
    format!("<code>{}</code>{own}{beside}", escaped(&of.expression))
}

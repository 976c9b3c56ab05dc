//! What is refused before a statement is parsed: size and shape, counted on tokens.
//!
//! A parser and a planner recurse once per operator of a chain, so a long flat `1+1+…` would
//! exhaust their stack although it is not nested. Tokens are counted without recursion.

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::{QueryError, QueryLimits, parameters};

/// Operators, commas and clause words of one statement.
const OPERATORS_MAX: usize = 400;
/// Tokens of any kind but white space.
const TOKENS_MAX: usize = 8_000;
/// Longest string literal in bytes: longer ones serve to blow values up.
pub(super) const LITERAL_MAX: usize = 1_024;

/// Refuses what is too long or too deep; `what` names it in the message.
pub(super) fn check_size(text: &str, what: &str, limits: &QueryLimits) -> Result<(), QueryError> {
    if text.len() > limits.sql_bytes {
        return Err(QueryError::TooComplex(format!(
            "{what} has {} bytes; at most {} are allowed",
            text.len(),
            limits.sql_bytes
        )));
    }
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, text)
        .tokenize()
        .map_err(|e| QueryError::invalid(format!("{what} does not parse: {e}")))?;
    let (mut operators, mut total, mut depth) = (0usize, 0usize, 0usize);
    for token in &tokens {
        total += usize::from(!matches!(token, Token::Whitespace(_)));
        operators += usize::from(is_operator(token));
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limits.sql_depth {
            let max = limits.sql_depth;
            return Err(QueryError::TooComplex(format!("{what} is nested more than {max} parentheses deep")));
        }
        if literal_bytes(token) > LITERAL_MAX {
            return Err(QueryError::TooComplex(format!(
                "{what} holds a literal of more than {LITERAL_MAX} bytes"
            )));
        }
    }
    if operators > OPERATORS_MAX || total > TOKENS_MAX {
        return Err(QueryError::TooComplex(format!(
            "{what} has {operators} operators and commas; at most {OPERATORS_MAX} are allowed"
        )));
    }
    Ok(())
}

fn literal_bytes(token: &Token) -> usize {
    match token {
        Token::Number(text, _)
        | Token::SingleQuotedString(text)
        | Token::DoubleQuotedString(text)
        | Token::TripleSingleQuotedString(text)
        | Token::TripleDoubleQuotedString(text)
        | Token::NationalStringLiteral(text)
        | Token::EscapedStringLiteral(text)
        | Token::UnicodeStringLiteral(text)
        | Token::HexStringLiteral(text) => text.len(),
        Token::DollarQuotedString(text) => text.value.len(),
        _ => 0,
    }
}

/// Tokens that make a plan or an expression deeper by one.
fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::XOR
                | Keyword::IS
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::SIMILAR
                | Keyword::BETWEEN
                | Keyword::IN
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
                | Keyword::JOIN
                | Keyword::SELECT
                | Keyword::CASE
                | Keyword::WHEN
                | Keyword::INTERVAL
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::DIV
        ),
        Token::Whitespace(_) | Token::EOF | Token::Number(..) | Token::Period => false,
        Token::LParen | Token::RParen | Token::LBracket | Token::RBracket | Token::LBrace | Token::RBrace => {
            false
        }
        // Whatever else the tokenizer knows is an operator, a comma or a literal; literals are rare
        // enough to count along.
        other => literal_bytes(other) == 0,
    }
}

/// Parses exactly one SELECT (or VALUES, or set operation of them).
pub(super) fn parse_query(sql: &str, limits: &QueryLimits) -> Result<Statement, QueryError> {
    check_size(sql, "the statement", limits)?;
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(limits.sql_depth.max(8))
        .build()?
        .parse_statements()?;
    let mut statement = match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) => statement,
        (Some(_), false) => {
            return Err(QueryError::NotAllowed("only one statement is allowed at a time".to_owned()));
        }
        (None, _) => return Err(QueryError::Invalid("there is no statement".to_owned())),
    };
    match &statement {
        Statement::Statement(inner) if matches!(**inner, SqlStatement::Query(_)) => {}
        _ => return Err(QueryError::NotAllowed("only SELECT is allowed".to_owned())),
    }
    parameters::number(&mut statement)?;
    Ok(statement)
}

//! Hands the crate's own copy of the schema to cynic, so that every operation is checked when the crate compiles.

fn main() -> Result<(), cynic_codegen::registration::SchemaRegistrationError> {
    cynic_codegen::register_schema("portico")
        .from_sdl_file("schema.graphql")?
        .as_default()?;
    Ok(())
}

"""Who is there: changes worth an event, and what is known of a face over some time."""

from django.db import DatabaseError, migrations, models, transaction


INDEXES = (
    # Words anywhere in a text, by the trigrams in it.
    "CREATE INDEX item_search ON annotate_item USING gin"
    " (UPPER(external_id || E'\\n' || fields::text) gin_trgm_ops)",
    "CREATE INDEX item_metadata ON annotate_item USING gin (metadata jsonb_path_ops)",
)


def indexes_make(apps, schema_editor):
    """On PostgreSQL only. Without the right to add the extension the search works, more slowly."""
    connection = schema_editor.connection
    if connection.vendor != 'postgresql':
        return
    with connection.cursor() as cursor:
        cursor.execute(INDEXES[1])
        try:
            with transaction.atomic(using=connection.alias):
                cursor.execute('CREATE EXTENSION IF NOT EXISTS pg_trgm')
        except DatabaseError:
            return
        cursor.execute(INDEXES[0])


def indexes_drop(apps, schema_editor):
    if schema_editor.connection.vendor == 'postgresql':
        with schema_editor.connection.cursor() as cursor:
            cursor.execute('DROP INDEX IF EXISTS item_search, item_metadata')


class Migration(migrations.Migration):

    dependencies = [
        ('annotate', '0009_review_reasons'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='itemsummary',
            index=models.Index(fields=['question', 'item', 'state', 'reason_bits', 'n_people', 'entropy'], name='summary_for_lists'),
        ),
        migrations.AddIndex(
            model_name='label',
            index=models.Index(condition=models.Q(('confidence__isnull', False), ('status', 'live')), fields=['question', 'item', 'confidence', 'rater'], name='label_by_confidence'),
        ),
        migrations.RunPython(indexes_make, indexes_drop),
    ]

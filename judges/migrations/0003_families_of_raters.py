from django.db import migrations


def say_families(apps, schema_editor):
    """As services/versions.py does for new versions: the model's name without its vendor."""
    JudgeVersion = apps.get_model('judges', 'JudgeVersion')
    Rater = apps.get_model('annotate', 'Rater')
    for rater_id, model in JudgeVersion.objects.exclude(model='').values_list('rater_id', 'model'):
        family = model.rpartition('/')[2].strip().casefold()
        Rater.objects.filter(pk=rater_id).update(family=family[:200])


class Migration(migrations.Migration):

    dependencies = [
        ('annotate', '0004_estimates_and_families'),
        ('judges', '0001_initial'),
    ]

    operations = [
        migrations.RunPython(say_families, migrations.RunPython.noop),
    ]

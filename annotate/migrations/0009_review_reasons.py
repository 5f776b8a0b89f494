import django.db.models.deletion
from django.db import migrations, models


BITS = {'people_split': 1, 'judge_differs': 2, 'judges_split': 4, 'unsure': 8, 'flagged': 16}


def bits_fill(apps, schema_editor):
    """Write the reasons that there are as one number. Few combinations, so few statements."""
    summaries = apps.get_model('annotate', 'ItemSummary').objects
    for reasons in list(summaries.exclude(reason='').values_list('reasons', flat=True).distinct()):
        bits = sum(BITS[reason] for reason in set(reasons))
        summaries.filter(reasons=reasons).update(reason_bits=bits)


class Migration(migrations.Migration):

    dependencies = [
        ('annotate', '0008_what_people_see_of_judges'),
    ]

    operations = [
        migrations.CreateModel(
            name='LikelyError',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('score', models.FloatField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='itemsummary',
            name='summary_reason_known',
        ),
        migrations.RemoveIndex(
            model_name='itemsummary',
            name='summary_review_queue',
        ),
        migrations.RemoveIndex(
            model_name='itemsummary',
            name='summary_by_reason',
        ),
        migrations.AddField(
            model_name='itemsummary',
            name='reason_bits',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name='itemsummary',
            index=models.Index(condition=models.Q(('reason_bits__gt', 0), ('state', 'open')), fields=['question', '-doubt', 'item', 'reason_bits'], name='summary_review_queue'),
        ),
        migrations.AddIndex(
            model_name='itemsummary',
            index=models.Index(condition=models.Q(('reason_bits__gt', 0), ('state', 'open')), fields=['project', 'question', 'reason_bits'], name='summary_by_reason'),
        ),
        migrations.AddConstraint(
            model_name='itemsummary',
            constraint=models.CheckConstraint(condition=models.Q(('reason__in', ['people_split', 'judge_differs', 'judges_split', 'unsure', 'likely_error', 'flagged', 'gold_missed', ''])), name='summary_reason_known'),
        ),
        migrations.AddField(
            model_name='likelyerror',
            name='item',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotate.item'),
        ),
        migrations.AddField(
            model_name='likelyerror',
            name='label',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='likely_error', to='annotate.label'),
        ),
        migrations.AddField(
            model_name='likelyerror',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotate.project'),
        ),
        migrations.AddField(
            model_name='likelyerror',
            name='question',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotate.question'),
        ),
        migrations.AddConstraint(
            model_name='likelyerror',
            constraint=models.CheckConstraint(condition=models.Q(('score__isnull', True), models.Q(('score__gte', 0), ('score__lte', 1)), _connector='OR'), name='likely_error_score_is_a_share'),
        ),
        migrations.RunPython(bits_fill, migrations.RunPython.noop, elidable=True),
    ]

"""A prompt's task and how to answer, beside its opening: "" is the built-in, as all had before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("judges", "0005_panels"),
    ]

    operations = [
        migrations.AddField(
            model_name="prompt",
            name="task",
            field=models.TextField(blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="prompt",
            name="output",
            field=models.TextField(blank=True, default=""),
            preserve_default=False,
        ),
    ]
